// Header fields as one flat list [name, value, name, value, ...]: no object per header, duplicates and order kept.
// Names are in lower case. Values are latin1 strings: one char per byte (RFC 9110 section 5.5).

/**
 * A flat list that is emptied and filled again for every request. A bare array would not do: `length = 0` gives its
 * storage back, and the next push allocates it anew (150 bytes for each list of each request, bench/alloc.ts).
 */
export class HeaderList {
  /** [name, value, ...]; only the first `length` entries count, those behind are ''. */
  readonly flat: string[] = []
  /** Entries: twice the number of fields. */
  length = 0

  push(name: string, value: string): void {
    const at = this.length
    this.flat[at] = name
    this.flat[at + 1] = value
    this.length = at + 2
  }

  pushAll(fields: readonly string[]): void {
    for (let i = 0; i < fields.length; i += 2) this.push(fields[i]!, fields[i + 1]!)
  }

  clear(): void {
    this.#truncate(0)
  }

  /** First value of `name` (lower case); '' if absent. */
  find(name: string): string {
    const { flat, length } = this
    for (let i = 0; i < length; i += 2) if (flat[i] === name) return flat[i + 1]!
    return ''
  }

  has(name: string): boolean {
    const { flat, length } = this
    for (let i = 0; i < length; i += 2) if (flat[i] === name) return true
    return false
  }

  /** Fields of `name` (lower case). */
  count(name: string): number {
    const { flat, length } = this
    let count = 0
    for (let i = 0; i < length; i += 2) if (flat[i] === name) count++
    return count
  }

  /** All values of `name` (lower case), in order. */
  findAll(name: string): string[] {
    const { flat, length } = this
    const values: string[] = []
    for (let i = 0; i < length; i += 2) if (flat[i] === name) values.push(flat[i + 1]!)
    return values
  }

  /** All values of `name`, joined as RFC 9110 section 5.3 allows. */
  join(name: string): string {
    const { flat, length } = this
    let joined = ''
    for (let i = 0; i < length; i += 2) {
      if (flat[i] === name) joined = joined === '' ? flat[i + 1]! : joined + ', ' + flat[i + 1]!
    }
    return joined
  }

  /** Removes every `name` in place. */
  remove(name: string): void {
    this.#compact(name, 0)
  }

  /** Replaces every `name`, in the place of the first one. */
  set(name: string, value: string): void {
    const { flat, length } = this
    for (let i = 0; i < length; i += 2) {
      if (flat[i] !== name) continue
      flat[i + 1] = value
      this.#compact(name, i + 2)
      return
    }
    this.push(name, value)
  }

  removeAll(names: readonly string[]): void {
    for (const name of names) this.remove(name)
  }

  toArray(): string[] {
    return this.flat.slice(0, this.length)
  }

  #compact(name: string, from: number): void {
    const { flat, length } = this
    let kept = from
    for (let i = from; i < length; i += 2) {
      if (flat[i] === name) continue
      flat[kept] = flat[i]!
      flat[kept + 1] = flat[i + 1]!
      kept += 2
    }
    this.#truncate(kept)
  }

  // Entries that no longer count must not keep the strings of an old request alive.
  #truncate(length: number): void {
    const { flat } = this
    for (let i = length; i < this.length; i++) flat[i] = ''
    this.length = length
  }
}

const TOKEN_CHARS = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/** 1 for bytes of a token (RFC 9110 section 5.6.2), such as a field name. */
export const IS_TOKEN = new Uint8Array(256)
for (const char of TOKEN_CHARS) IS_TOKEN[char.charCodeAt(0)] = 1

/** 1 for bytes of a field value: HTAB, space, visible ASCII, obs-text (RFC 9110 section 5.5). */
export const IS_VALUE = new Uint8Array(256)
IS_VALUE[9] = 1
for (let byte = 32; byte < 256; byte++) if (byte !== 127) IS_VALUE[byte] = 1

/** Up to this length a loop is faster than the start of a regular expression. */
const SHORT = 24
// eslint-disable-next-line no-control-regex
const FORBIDDEN_IN_VALUE = /[^\t\x20-\x7e\x80-\xff]/

export function isToken(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (IS_TOKEN[text.charCodeAt(i)] !== 1) return false
  return text.length > 0
}

export function isFieldValue(text: string): boolean {
  if (text.length > SHORT) return !FORBIDDEN_IN_VALUE.test(text)
  for (let i = 0; i < text.length; i++) if (IS_VALUE[text.charCodeAt(i)] !== 1) return false
  return true
}

/** Plugins use few names, again and again. */
const checkedNames = new Map<string, string>()
const MOST_CHECKED = 1024

/** The name in lower case. Throws TypeError when it is no token, which would let one message be read as two. */
export function fieldName(name: string): string {
  let lower = checkedNames.get(name)
  if (lower !== undefined) return lower
  if (!isToken(name)) throw new TypeError(`header name ${JSON.stringify(name)} is not a token`)
  lower = name.toLowerCase()
  if (checkedNames.size === MOST_CHECKED) checkedNames.clear()
  checkedNames.set(name, lower)
  return lower
}

/** Throws TypeError on a value that would let one message be read as two. */
export function checkValue(name: string, value: string): void {
  if (!isFieldValue(value)) throw new TypeError(`value of header ${name} has characters that HTTP forbids`)
}

/** Throws TypeError on a name or value that would let one message be read as two. */
export function checkHeader(name: string, value: string): void {
  fieldName(name)
  checkValue(name, value)
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
