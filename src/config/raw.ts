// What several checks of the raw configuration share. A raw value may be wrong in any way.
import { isFieldValue, isToken } from '../base/headers.ts'
import { isRecord, type Path } from './document.ts'
import type { Report } from './inspect.ts'

export type Raw = Readonly<Record<string, unknown>>

/** Framing and connection fields: the gateway writes them itself. */
const RESERVED = ['connection', 'content-length', 'transfer-encoding', 'keep-alive', 'upgrade', 'te', 'trailer', 'date']

/** The mappings of a list, with their indexes. */
export function records(value: unknown): [number, Raw][] {
  if (!Array.isArray(value)) return []
  return (value as unknown[]).flatMap((entry, i): [number, Raw][] => (isRecord(entry) ? [[i, entry]] : []))
}

/** A reply that the gateway makes: status, body, headers. */
export function checkRespond(respond: Raw, path: Path, report: Report): void {
  const { status, body, headers } = respond
  if ((status === 204 || status === 304) && typeof body === 'string' && body !== '') {
    report([...path, 'body'], `a reply with status ${status} has no body (RFC 9110)`)
  }
  for (const [name, value] of Object.entries(isRecord(headers) ? headers : {})) {
    if (!isToken(name)) report([...path, 'headers', name], `"${name}" is not a header name`, true)
    else if (RESERVED.includes(name.toLowerCase()))
      report([...path, 'headers', name], `the gateway writes ${name} itself`, true)
    else if (typeof value === 'string' && !isFieldValue(value))
      report([...path, 'headers', name], `the value of ${name} has characters that HTTP forbids`)
  }
}
