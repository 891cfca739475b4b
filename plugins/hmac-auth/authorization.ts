// `HMAC-SHA256 keyId=...,signature=...,headers="..."`: what a signed request says about its signature.
import { isToken } from '../../src/base/headers.ts'

export interface Signed {
  readonly keyId: string
  readonly signature: Buffer
  /** Names of the signed headers, in lower case, in the order in which they were signed. */
  readonly headers: readonly string[]
}

const LONGEST_FIELD = 4096
const LONGEST_KEY_ID = 128
export const MOST_HEADERS = 32
const SIGNATURE_BYTES = 32

const SCHEME = /^hmac-sha256 +/i
const PARAMETER = /[ \t]*([A-Za-z]+)=(?:"([^"\\]*)"|([^",\s]+))[ \t]*(?:,|$)/y

/** null unless the field has each parameter once, in a form that can only be read in one way. */
export function readAuthorization(field: string): Signed | null {
  if (field.length > LONGEST_FIELD) return null
  const scheme = SCHEME.exec(field)
  if (scheme === null) return null
  const parameters = readParameters(field, scheme[0].length)
  if (parameters === null) return null
  const keyId = parameters.get('keyid') ?? ''
  const signature = readSignature(parameters.get('signature') ?? '')
  const headers = readNames(parameters.get('headers') ?? '')
  if (keyId === '' || keyId.length > LONGEST_KEY_ID || signature === null || headers === null) return null
  return { keyId, signature, headers }
}

function readParameters(field: string, from: number): ReadonlyMap<string, string> | null {
  const parameters = new Map<string, string>()
  PARAMETER.lastIndex = from
  while (PARAMETER.lastIndex < field.length) {
    const match = PARAMETER.exec(field)
    if (match === null) return null
    const name = match[1]!.toLowerCase()
    if (parameters.has(name)) return null
    parameters.set(name, match[2] ?? match[3]!)
  }
  return parameters
}

function readSignature(text: string): Buffer | null {
  const signature = Buffer.from(text, 'base64')
  // Only one text stands for these bytes.
  return signature.length === SIGNATURE_BYTES && signature.toString('base64') === text ? signature : null
}

function readNames(text: string): string[] | null {
  if (text === '') return []
  const names = text.toLowerCase().split(' ')
  if (names.length > MOST_HEADERS || new Set(names).size < names.length) return null
  return names.every((name) => isToken(name) && name !== 'authorization') ? names : null
}
