// JSON as security needs it: what two readers could understand differently is refused (RFC 8725 section 2.4: duplicate
// members, of which JSON.parse takes the last and other parsers the first).

/** Deeper values are refused: whoever walks through them later may do so by recursion. */
const MAX_DEPTH = 32

const QUOTE = 34
const BACKSLASH = 92
const COLON = 58
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_ARRAY, CLOSE_ARRAY] = [123, 125, 91, 93]

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The object that the bytes hold; null when they are not UTF-8, not JSON, no object, ambiguous or too deep. */
export function parseObject(bytes: Uint8Array): Readonly<Record<string, unknown>> | null {
  try {
    const text = decoder.decode(bytes)
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
    return isUnambiguous(text) ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}

/** `text` is valid JSON. False when an object has a member twice, or values are nested too deep. */
function isUnambiguous(text: string): boolean {
  const open: (Set<string> | null)[] = []
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at)
    if (char === OPEN_OBJECT || char === OPEN_ARRAY) {
      if (open.length === MAX_DEPTH) return false
      open.push(char === OPEN_OBJECT ? new Set() : null)
    } else if (char === CLOSE_OBJECT || char === CLOSE_ARRAY) {
      open.pop()
    } else if (char === QUOTE) {
      const end = stringEnd(text, at)
      if (isFollowedByColon(text, end) && !isNew(open.at(-1)!, text.slice(at, end))) return false
      at = end - 1
    }
  }
  return true
}

/** Index behind the closing quote of the string that opens at `at`. */
function stringEnd(text: string, at: number): number {
  let end = at + 1
  for (let char = text.charCodeAt(end); char !== QUOTE; char = text.charCodeAt(end)) end += char === BACKSLASH ? 2 : 1
  return end + 1
}

/** Then the string is the name of a member: values are followed by a comma or a bracket. */
function isFollowedByColon(text: string, at: number): boolean {
  let next = at
  while (text.charCodeAt(next) <= 32) next++
  return text.charCodeAt(next) === COLON
}

/** Names are compared as they mean, not as they are written: `"a"` is `"\u0061"`. */
function isNew(members: Set<string> | null, quoted: string): boolean {
  if (members === null) return true
  const name = JSON.parse(quoted) as string
  if (members.has(name)) return false
  members.add(name)
  return true
}
