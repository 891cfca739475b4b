// Which gateway a verb talks to, and how it proves that it may.
import { readFile } from 'node:fs/promises'
import { AdminClient } from './admin-client.ts'
import { UsageError } from './command.ts'

export const DEFAULT_ADMIN = 'http://127.0.0.1:9901'

export const ADMIN_OPTIONS = { admin: { type: 'string' }, 'token-file': { type: 'string' } } as const

export const ADMIN_HELP =
  'ADDRESS: http://host:port or unix:/path; without it what SLUICE_ADMIN says, else\n' +
  `${DEFAULT_ADMIN}. The token, if it has one, is the content of --token-file, else SLUICE_ADMIN_TOKEN.`

export const TOKEN_HINT = 'Its token: --token-file FILE, or SLUICE_ADMIN_TOKEN.'

export interface AdminValues {
  readonly admin?: string | undefined
  readonly 'token-file'?: string | undefined
}

/** Throws UsageError. */
export async function openAdmin(
  values: AdminValues,
): Promise<{ readonly address: string; readonly client: AdminClient }> {
  const address = values.admin ?? process.env['SLUICE_ADMIN'] ?? DEFAULT_ADMIN
  return { address, client: clientFor(address, await readToken(values['token-file'])) }
}

async function readToken(file: string | undefined): Promise<string> {
  let token = process.env['SLUICE_ADMIN_TOKEN'] ?? ''
  if (file !== undefined) {
    token = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      throw new UsageError(`--token-file cannot be read: ${error.code ?? error.message}`)
    })
  }
  token = token.trim()
  // Others cannot stand in a header; what it is instead is not told.
  if (/^[\x21-\x7e]*$/.test(token)) return token
  throw new UsageError('the token has a character that a token cannot have')
}

function clientFor(address: string, token: string): AdminClient {
  try {
    return new AdminClient(address, token)
  } catch {
    throw new UsageError(`--admin takes http://host:port or unix:/path, not ${JSON.stringify(address)}`)
  }
}
