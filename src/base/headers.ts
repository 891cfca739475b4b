// Header fields as one flat array [name, value, name, value, ...]: no object per header, duplicates and order kept.
// Names are in lower case. Values are latin1 strings: one char per byte (RFC 9110 section 5.5).

/** First value of `name` (lower case); '' if absent. */
export function findHeader(headers: readonly string[], name: string): string {
  for (let i = 0; i < headers.length; i += 2) if (headers[i] === name) return headers[i + 1]!
  return ''
}

export function hasHeader(headers: readonly string[], name: string): boolean {
  for (let i = 0; i < headers.length; i += 2) if (headers[i] === name) return true
  return false
}

/** All values of `name`, joined as RFC 9110 section 5.3 allows. */
export function joinHeader(headers: readonly string[], name: string): string {
  let joined = ''
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] === name) joined = joined === '' ? headers[i + 1]! : joined + ', ' + headers[i + 1]!
  }
  return joined
}

/** Removes every `name` in place. */
export function removeHeader(headers: string[], name: string): void {
  let kept = 0
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] === name) continue
    headers[kept++] = headers[i]!
    headers[kept++] = headers[i + 1]!
  }
  headers.length = kept
}

/** Replaces every `name`, in the place of the first one. */
export function setHeader(headers: string[], name: string, value: string): void {
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] !== name) continue
    const before = headers.slice(0, i)
    const after = headers.slice(i + 2)
    removeHeader(after, name)
    headers.length = 0
    headers.push(...before, name, value, ...after)
    return
  }
  headers.push(name, value)
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
// Everything but HTAB, visible ASCII, space and obs-text (RFC 9110 section 5.5).
// eslint-disable-next-line no-control-regex
const FORBIDDEN_IN_VALUE = /[^\t\x20-\x7e\x80-\xff]/

/** RFC 9110 section 5.6.2. */
export function isToken(text: string): boolean {
  return TOKEN.test(text)
}

export function isFieldValue(text: string): boolean {
  return !FORBIDDEN_IN_VALUE.test(text)
}

/** Throws TypeError on a name or value that would let one message be read as two. */
export function checkHeader(name: string, value: string): void {
  if (!isToken(name)) throw new TypeError(`header name ${JSON.stringify(name)} is not a token`)
  if (!isFieldValue(value)) throw new TypeError(`value of header ${name} has characters that HTTP forbids`)
}

/** Length in bytes of a Content-Length value; -1 when it is not `1*DIGIT` within the safe integers. */
export function parseContentLength(text: string): number {
  if (text.length === 0 || text.length > 15) return -1
  let value = 0
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - ZERO
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
  }
  return value
}

const ZERO = 48
