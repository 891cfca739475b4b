import { readFile } from 'node:fs/promises'
import { parseUnit, UNIT_EXAMPLES } from '../config/units.ts'
import { readArguments, UsageError, type Command } from './command.ts'
import { AdminClient, AdminRefusal } from './top/admin-client.ts'
import { harmless } from './top/cells.ts'
import { Screen } from './top/screen.ts'
import { Session } from './top/session.ts'
import { render } from './top/view.ts'

const DEFAULT_ADDRESS = 'http://127.0.0.1:9901'
/** Width of a table that nobody's terminal limits. */
const PIPE_WIDTH = 120
const SHORTEST_INTERVAL = 100
const LONGEST_INTERVAL = 3_600_000

export const top: Command = {
  name: 'top',
  usage: 'top [--admin ADDRESS] [--token-file FILE] [--interval 1s] [--once] [--json]',
  summary: 'watch a gateway in the terminal: traffic, latency, health',
  help:
    'Asks the admin listener again and again. ADDRESS: http://host:port or unix:/path; without it what SLUICE_ADMIN\n' +
    `says, else ${DEFAULT_ADDRESS}. The token, if it has one, is the content of --token-file, else SLUICE_ADMIN_TOKEN.\n` +
    '--once, or an output that is no terminal: one table after one interval. --json: that as JSON.\n' +
    'Keys: q quit, s sort by the next column, r routes, u upstreams, / filter, arrows and pages scroll.\n' +
    'No colours when NO_COLOR is set. Exits 1 when the gateway cannot be asked.',
  async run(argv) {
    const { values, positionals } = readArguments(argv, {
      admin: { type: 'string' },
      'token-file': { type: 'string' },
      interval: { type: 'string' },
      once: { type: 'boolean' },
      json: { type: 'boolean' },
    })
    if (positionals.length > 0) throw new UsageError(`there is nothing to be done with "${positionals[0]}"`)
    const address = values.admin ?? process.env['SLUICE_ADMIN'] ?? DEFAULT_ADDRESS
    const interval = readInterval(values.interval ?? '1s')
    const { stdin, stdout } = process
    const isTerminal = stdout.isTTY && process.env['TERM'] !== 'dumb'
    const colour = isTerminal && (process.env['NO_COLOR'] ?? '') === ''
    try {
      const session = new Session(clientFor(address, await readToken(values['token-file'])), {
        address,
        interval,
        colour,
      })
      if (isTerminal && values.once !== true && values.json !== true) {
        return await session.watch(new Screen(stdin, stdout))
      }
      await session.readTwice()
      const columns = isTerminal ? stdout.columns || PIPE_WIDTH : PIPE_WIDTH
      stdout.write(values.json === true ? asJson(session) : asTable(session, columns, colour))
      return 0
    } catch (error) {
      if (!(error instanceof AdminRefusal)) throw error
      process.stderr.write(`sluice top: ${harmless(`${address}: ${error.message}`)}\n`)
      if (error.status === 401) process.stderr.write('Its token: --token-file FILE, or SLUICE_ADMIN_TOKEN.\n')
      return 1
    }
  },
}

function readInterval(text: string): number {
  const interval = parseUnit('duration', text)
  if (interval >= SHORTEST_INTERVAL && interval <= LONGEST_INTERVAL) return interval
  throw new UsageError(`--interval is from 100ms to 1h (${UNIT_EXAMPLES.duration}), not ${JSON.stringify(text)}`)
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

function asTable({ view }: Session, columns: number, colour: boolean): string {
  const size = { columns, rows: Infinity }
  const routes = render(view, size, colour)
  // The header once, then both tables.
  const upstreams = render({ ...view, table: 'upstreams' }, size, colour)
  const own = upstreams.slice(upstreams.indexOf('') + 1)
  return [...routes, '', ...own].map((line) => line.trimEnd()).join('\n') + '\n'
}

function asJson({ view }: Session): string {
  const { reading, endpoints } = view
  return JSON.stringify({ ...reading, endpoints }, null, 2) + '\n'
}
