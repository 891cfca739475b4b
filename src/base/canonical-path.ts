// One spelling per path (RFC 3986 section 6.2.2), decided once: what was matched is what plugins see and what the
// upstream gets. Whatever two parsers could read differently is refused rather than repaired.

/** What may be relaxed; absent means reject. */
export interface PathRules {
  readonly encodedSlash?: 'reject' | 'keep'
  readonly backslash?: 'reject' | 'keep'
  readonly nul?: 'reject' | 'keep'
  readonly invalidUtf8?: 'reject' | 'keep'
  readonly aboveRoot?: 'reject' | 'clamp'
}

const SLASH = 47
const DOT = 46
const PERCENT = 37
const BACKSLASH = 92

/** Classes of characters: what the fast scan may pass over. */
const PLAIN = 1
const UNRESERVED = 2
const CLASS = new Uint8Array(128)
for (const char of '!$&\'()*+,;=:@[]|^{}"<>`') CLASS[char.charCodeAt(0)] = PLAIN
for (const char of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_~') {
  CLASS[char.charCodeAt(0)] = PLAIN | UNRESERVED
}
CLASS[DOT] = UNRESERVED

/** The canonical path, the same string when it was canonical already; '' when it must be refused. Never throws. */
export function canonicalPath(raw: string, rules: PathRules): string {
  if (raw.charCodeAt(0) !== SLASH) return ''
  // Most paths are canonical: one look at each character and nothing is made.
  let before = 0
  for (let i = 0; i < raw.length; i++) {
    const code = raw.charCodeAt(i)
    if (code === SLASH) {
      if (before === SLASH) return rewrite(raw, rules)
    } else if (code === DOT) {
      if (before === SLASH) return rewrite(raw, rules) // perhaps a dot segment
    } else if (code >= 128 || (CLASS[code]! & PLAIN) === 0) return rewrite(raw, rules)
    before = code
  }
  return raw
}

function rewrite(raw: string, rules: PathRules): string {
  const decoded = decodeUnreserved(raw, rules)
  return typeof decoded === 'string' ? resolveSegments(decoded, rules) : ''
}

/** Why `canonicalPath` refuses this path, in words for a person; '' when it does not. */
export function canonicalPathProblem(raw: string, rules: PathRules): string {
  if (raw.charCodeAt(0) !== SLASH) return 'it does not begin with "/"'
  const decoded = decodeUnreserved(raw, rules)
  if (typeof decoded !== 'string') return decoded.problem
  return resolveSegments(decoded, rules) === '' ? '".." leads above the root' : ''
}

interface Refusal {
  readonly problem: string
}

/** Escapes of unreserved characters become the characters, once; the other escapes get upper-case digits. */
function decodeUnreserved(raw: string, rules: PathRules): string | Refusal {
  let out = ''
  for (let i = 0; i < raw.length; i++) {
    const code = raw.charCodeAt(i)
    if (code === PERCENT) {
      const byte = escapedByte(raw, i)
      if (byte < 0) return { problem: '"%" is not followed by two hexadecimal digits' }
      const problem = refusedByte(byte, rules)
      if (problem !== '') return { problem }
      if (byte < 128 && (CLASS[byte]! & UNRESERVED) !== 0) {
        out += String.fromCharCode(byte)
        i += 2
      } else if (byte < 128 || rules.invalidUtf8 === 'keep') {
        out += raw.slice(i, i + 3).toUpperCase()
        i += 2
      } else {
        const length = utf8SequenceLength(raw, i)
        if (length === 0) return { problem: 'escapes are not valid UTF-8' }
        out += raw.slice(i, i + length * 3).toUpperCase()
        i += length * 3 - 1
      }
    } else if (code === BACKSLASH) {
      if (rules.backslash !== 'keep') return { problem: 'it has a backslash' }
      out += '\\'
    } else if (code !== SLASH && code !== DOT && (code >= 128 || (CLASS[code]! & PLAIN) === 0)) {
      return { problem: `it has ${describe(code)} that must be escaped` }
    } else {
      out += raw[i]!
    }
  }
  return out
}

function refusedByte(byte: number, rules: PathRules): string {
  if (byte === SLASH && rules.encodedSlash !== 'keep') return 'it has an encoded slash'
  if (byte === BACKSLASH && rules.backslash !== 'keep') return 'it has an encoded backslash'
  if (byte === 0 && rules.nul !== 'keep') return 'it has an encoded NUL'
  return ''
}

function describe(code: number): string {
  return code > 32 && code < 127 ? `the character "${String.fromCharCode(code)}"` : `byte 0x${code.toString(16)}`
}

/** The byte of the escape at `at`; -1 when it is malformed. */
function escapedByte(text: string, at: number): number {
  if (text.charCodeAt(at) !== PERCENT) return -1
  const high = hexDigit(text.charCodeAt(at + 1))
  const low = hexDigit(text.charCodeAt(at + 2))
  return high < 0 || low < 0 ? -1 : high * 16 + low
}

function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48
  const lower = code | 32
  return lower >= 97 && lower <= 102 ? lower - 87 : -1
}

/** Number of escapes of the well-formed UTF-8 sequence (RFC 3629) that begins at `at`; 0 when it is not one. */
function utf8SequenceLength(text: string, at: number): number {
  const first = escapedByte(text, at)
  const second = escapedByte(text, at + 3)
  if (first >= 0xc2 && first <= 0xdf) return isContinuation(second) ? 2 : 0
  if (first >= 0xe0 && first <= 0xef) {
    const low = first === 0xe0 ? 0xa0 : 0x80 // overlong below
    const high = first === 0xed ? 0x9f : 0xbf // surrogates above
    return second >= low && second <= high && isContinuation(escapedByte(text, at + 6)) ? 3 : 0
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const low = first === 0xf0 ? 0x90 : 0x80
    const high = first === 0xf4 ? 0x8f : 0xbf // beyond U+10FFFF above
    const rest = isContinuation(escapedByte(text, at + 6)) && isContinuation(escapedByte(text, at + 9))
    return second >= low && second <= high && rest ? 4 : 0
  }
  return 0
}

function isContinuation(byte: number): boolean {
  return byte >= 0x80 && byte <= 0xbf
}

/** Resolves `.` and `..` and collapses `//` (RFC 3986 section 5.2.4); '' when `..` leads above the root. */
function resolveSegments(path: string, rules: PathRules): string {
  const kept: string[] = []
  const segments = path.split('/')
  const last = segments.length - 1
  let directory = false
  for (let i = 1; i <= last; i++) {
    const segment = segments[i]!
    directory = segment === '' || segment === '.' || segment === '..'
    if (segment === '..') {
      if (kept.pop() === undefined && rules.aboveRoot !== 'clamp') return ''
    } else if (!directory) kept.push(segment)
  }
  const body = kept.join('/')
  return directory && body !== '' ? `/${body}/` : `/${body}`
}
