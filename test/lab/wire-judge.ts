// Where the own client and node:http may differ, and nowhere else.
import type { Case } from './responses.ts'
import { feedNode, feedWire, type Outcome } from './wire-feed.ts'

/** What node:http lets through and we refuse. Each is a way in which two parsers could read one reply differently. */
const STRICTER: readonly [why: string, pattern: RegExp][] = [
  ['DEL in a field, reason or trailer (RFC 9110 section 5.5)', /\x7f/],
  ['a control character in the reason', /HTTP\/1\.[01] \d{3}[^\r\n]*[\x00-\x08\x0b\x0c\x0e-\x1f]/],
  ['no space before the reason, or a longer status', /HTTP\/1\.[01] \d{3}[^ \r]/],
  ['Transfer-Encoding in HTTP/1.0 (RFC 9112 section 6.1)', /HTTP\/1\.0[^]*transfer-encoding:/i],
  ['a coding that is not chunked, once', /transfer-encoding:(?![ \t]*chunked[ \t]*\r\n)/i],
  ['two codings', /transfer-encoding:[^]*transfer-encoding:/i],
  ['line ends before the status line', /(^|\r\n\r\n)[\r\n]+HTTP\//],
  ['a status below 100', /HTTP\/1\.[01] 0/],
  ['a length of more than 15 digits', /content-length:[ \t]*[0-9]{16}/i],
  ['another version', /HTTP\/(?!1\.[01] )/],
  ['an upgrade that nobody asked for', /HTTP\/1\.1 101/],
  ['more interim replies than anybody sends', /(HTTP\/1\.1 10[0-9][^]*){17}/],
]

/** What we let through and node:http refuses: harmless, because it ends here. */
const LENIENT: readonly [why: string, pattern: RegExp][] = [
  ['a chunk extension that is no token; it is dropped', /^[0-9a-f]+;[^\r\n]*\r$/im],
]

/** A tab behind the coding makes node:http take a chunked body for one that ends with its connection. */
const NODE_ERRS = /transfer-encoding:[ \t]*chunked[ \t]*\t/i

/** '' when both agree, or differ as they may; else what is wrong. */
export async function judge({ method, bytes, pieces }: Case): Promise<string> {
  const ours = feedWire(pieces, method)
  const theirs = await feedNode(pieces, method)
  const text = bytes.toString('latin1')
  if (NODE_ERRS.test(text)) return ''
  const problem = ours.end === theirs.end ? difference(ours, theirs, text) : verdicts(ours, theirs, text)
  if (problem === '') return ''
  return `${problem}\n${method} ${JSON.stringify(text)} in pieces of ${pieces.map(({ length }) => length).join(', ')}\nours ${JSON.stringify(ours)}\nnode ${JSON.stringify(theirs)}`
}

function verdicts(ours: Outcome, theirs: Outcome, text: string): string {
  const excuses = ours.end === 'failed' ? STRICTER : LENIENT
  if (excuses.some(([, pattern]) => pattern.test(text))) return ''
  return `${ours.end} for us (${ours.why}), ${theirs.end} for node:http (${theirs.why})`
}

function difference(ours: Outcome, theirs: Outcome, text: string): string {
  if (ours.end === 'failed') return '' // how far each got is of no interest: the client sees a failure or a cut
  if (ours.status !== theirs.status) return 'status'
  if (ours.body !== theirs.body) return 'body'
  // We drop what Connection names; node:http passes it on. Of several Dates the last is kept.
  const named = [...text.matchAll(/^connection:(.*)\r$/gim)].flatMap(([, value]) => value!.split(','))
  const names = new Set(named.map((name) => name.trim().toLowerCase()))
  const fields = ({ headers }: Outcome): string =>
    headers.filter((line) => !names.has(line.slice(0, line.indexOf(':'))) && !line.startsWith('date:')).join('\n')
  return fields(ours) === fields(theirs) ? '' : 'fields'
}
