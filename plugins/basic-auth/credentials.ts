// The Authorization field of the Basic scheme (RFC 7617).
import { isUtf8 } from 'node:buffer'

export interface Credentials {
  readonly name: string
  readonly password: string
}

/** Characters of the whole field; a longer one is not decoded. */
const LONGEST_FIELD = 2048
const BASIC = /^basic +([A-Za-z0-9+/]+={0,2})$/i
// eslint-disable-next-line no-control-regex
const CONTROL = /[\x00-\x1f\x7f]/

/** null unless it is UTF-8 with a colon and without control characters. Both parts are in form C (RFC 7617 section 2.1). */
export function readCredentials(field: string): Credentials | null {
  if (field.length > LONGEST_FIELD) return null
  const encoded = BASIC.exec(field)?.[1]
  if (encoded === undefined) return null
  const bytes = Buffer.from(encoded, 'base64')
  if (!isUtf8(bytes)) return null
  const text = bytes.toString('utf8').normalize('NFC')
  const colon = text.indexOf(':')
  if (colon < 0 || CONTROL.test(text)) return null
  return { name: text.slice(0, colon), password: text.slice(colon + 1) }
}
