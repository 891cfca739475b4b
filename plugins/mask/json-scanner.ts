// JSON (RFC 8259), byte by byte, with nothing kept but where it stands. It tells where values begin and end, so that what
// reads along can copy or leave out. Whatever is not JSON is refused at its first wrong byte.
//
//   VALUE --"--> STRING --"--> AFTER --,--> VALUE or NAME
//     |  --[--> FIRST (VALUE or ])       --]}--> AFTER of the outer one
//     |  --{--> FIRST_NAME (NAME or })   NAME --"--> KEY --"--> COLON --:--> VALUE

const VALUE = 0
const FIRST = 1
const FIRST_NAME = 2
const NAME = 3
const COLON = 4
const AFTER = 5
const STRING = 6
const LITERAL = 7
const NUMBER = 8

// Inside a string.
const PLAIN = 0
const ESCAPE = 1
const HEX = 2
const UTF8 = 3

// Inside a number: after its minus, a leading zero, digits, the point, digits of the fraction, e, its sign, its digits.
const MINUS = 0
const ZERO = 1
const INTEGER = 2
const POINT = 3
const FRACTION = 4
const EXPONENT = 5
const SIGN = 6
const POWER = 7

const QUOTE = 34
const COMMA = 44
const DASH = 45
const DOT = 46
const DIGIT_0 = 48
const DIGIT_9 = 57
const COLON_SIGN = 58
const BRACKET = 91
const BACKSLASH = 92
const BRACKET_END = 93
const LETTER_U = 117
const BRACE = 123
const BRACE_END = 125

/** What an escape of one letter stands for (RFC 8259 section 7). */
const ESCAPED = new Uint8Array(128)
const LETTERS = '"\\/bfnrt'
const MEANINGS = '"\\/\b\f\n\r\t'
for (let i = 0; i < LETTERS.length; i++) ESCAPED[LETTERS.charCodeAt(i)] = MEANINGS.charCodeAt(i)
const LITERALS: Readonly<Record<string, string>> = { t: 'true', f: 'false', n: 'null' }

/** What is told while bytes are read; `at` are indexes into the chunk. */
export interface JsonListener {
  /** A value begins with the byte at `at`. `array`: it is the next element of one; else a member, or the whole text. */
  value(at: number, array: boolean): void
  /** The value that began last and has not ended ends before `at`. */
  valueEnd(at: number): void
  /** An object or array begins, and ends: what is between is inside of it. */
  open(): void
  close(): void
  keyStart(): void
  keyByte(byte: number): void
  /** A UTF-16 code unit of a key that was written as an escape. */
  keyUnit(unit: number): void
}

export class JsonScanner {
  readonly #listener: JsonListener
  /** By depth: is it an object? */
  readonly #objects: Uint8Array
  #depth = 0
  #state = VALUE
  #inKey = false
  #inside = PLAIN
  /** Of the literal, how much was seen; of an escape, its digits and value; of a UTF-8 sequence, what must follow. */
  #literal = ''
  #count = 0
  #unit = 0
  #low = 0
  #high = 0
  #number = MINUS
  #empty = true

  constructor(listener: JsonListener, maxDepth: number) {
    this.#listener = listener
    this.#objects = new Uint8Array(maxDepth + 1)
  }

  /** '' or why the bytes are not JSON. After that it must not be called again. */
  read(bytes: Uint8Array): string {
    for (let at = 0; at < bytes.length;) {
      const byte = bytes[at]!
      if (this.#state === STRING) {
        if (this.#inside === PLAIN && byte >= 32 && byte < 128 && byte !== QUOTE && byte !== BACKSLASH) {
          if (this.#inKey) this.#listener.keyByte(byte)
        } else if (!this.#string(byte, at)) return MALFORMED
      } else if (this.#state === NUMBER && this.#isOfNumber(byte)) {
        if (!this.#digit(byte)) return MALFORMED
      } else {
        if (this.#state === NUMBER && !this.#endNumber(at)) return MALFORMED
        const fault = this.#structure(byte, at)
        if (fault !== '') return fault
      }
      at++
    }
    return ''
  }

  /** '' or why the text is not complete. `at`: the number that is the whole text ends there. A text without a byte is none. */
  end(): string {
    if (this.#empty) return ''
    if (this.#state === NUMBER && !this.#endNumber(0)) return MALFORMED
    return this.#state === AFTER && this.#depth === 0 ? '' : 'It ends too early.'
  }

  #structure(byte: number, at: number): string {
    if (this.#state === LITERAL) return this.#letter(byte, at) ? '' : MALFORMED
    this.#empty = false
    if (byte === 32 || byte === 10 || byte === 13 || byte === 9) return ''
    switch (this.#state) {
      case VALUE:
        return this.#begin(byte, at)
      case FIRST:
        return byte === BRACKET_END ? this.#leave(at) : this.#begin(byte, at)
      case FIRST_NAME:
        return byte === BRACE_END ? this.#leave(at) : this.#name(byte)
      case NAME:
        return this.#name(byte)
      case COLON:
        if (byte !== COLON_SIGN) return MALFORMED
        this.#state = VALUE
        return ''
    }
    return this.#after(byte, at)
  }

  #after(byte: number, at: number): string {
    if (this.#depth === 0) return MALFORMED
    const object = this.#objects[this.#depth] === 1
    if (byte === COMMA) {
      this.#state = object ? NAME : VALUE
      return ''
    }
    return byte === (object ? BRACE_END : BRACKET_END) ? this.#leave(at) : MALFORMED
  }

  #begin(byte: number, at: number): string {
    const array = this.#depth > 0 && this.#objects[this.#depth] === 0
    this.#listener.value(at, array)
    if (byte === QUOTE) {
      this.#state = STRING
      this.#inKey = false
      this.#inside = PLAIN
    } else if (byte === BRACE || byte === BRACKET) {
      return this.#enter(byte === BRACE)
    } else if (byte === DASH || (byte >= DIGIT_0 && byte <= DIGIT_9)) {
      this.#state = NUMBER
      this.#number = byte === DASH ? MINUS : byte === DIGIT_0 ? ZERO : INTEGER
    } else {
      const literal = LITERALS[String.fromCharCode(byte)]
      if (literal === undefined) return MALFORMED
      this.#state = LITERAL
      this.#literal = literal
      this.#count = 1
    }
    return ''
  }

  #enter(object: boolean): string {
    if (this.#depth + 1 === this.#objects.length) return 'It is nested too deeply.'
    this.#objects[++this.#depth] = object ? 1 : 0
    this.#state = object ? FIRST_NAME : FIRST
    this.#listener.open()
    return ''
  }

  #leave(at: number): string {
    this.#depth--
    this.#state = AFTER
    this.#listener.close()
    this.#listener.valueEnd(at + 1)
    return ''
  }

  #name(byte: number): string {
    if (byte !== QUOTE) return MALFORMED
    this.#state = STRING
    this.#inKey = true
    this.#inside = PLAIN
    this.#listener.keyStart()
    return ''
  }

  #letter(byte: number, at: number): boolean {
    if (byte !== this.#literal.charCodeAt(this.#count)) return false
    if (++this.#count < this.#literal.length) return true
    this.#state = AFTER
    this.#listener.valueEnd(at + 1)
    return true
  }

  #string(byte: number, at: number): boolean {
    if (this.#inside === ESCAPE) return this.#escape(byte)
    if (this.#inside === HEX) return this.#hex(byte)
    if (this.#inside === UTF8) return this.#continuation(byte)
    if (byte === BACKSLASH) this.#inside = ESCAPE
    else if (byte === QUOTE) {
      this.#state = this.#inKey ? COLON : AFTER
      if (!this.#inKey) this.#listener.valueEnd(at + 1)
    } else return byte >= 128 && this.#lead(byte)
    return true
  }

  #escape(byte: number): boolean {
    if (byte === LETTER_U) {
      this.#inside = HEX
      this.#count = 0
      this.#unit = 0
      return true
    }
    const meaning = byte < 128 ? ESCAPED[byte]! : 0
    if (meaning === 0) return false
    this.#inside = PLAIN
    if (this.#inKey) this.#listener.keyUnit(meaning)
    return true
  }

  #hex(byte: number): boolean {
    const digit = hexDigit(byte)
    if (digit < 0) return false
    this.#unit = this.#unit * 16 + digit
    if (++this.#count < 4) return true
    this.#inside = PLAIN
    if (this.#inKey) this.#listener.keyUnit(this.#unit)
    return true
  }

  // RFC 3629 section 4: an overlong form would be another spelling of a key that other readers take for the key.
  #lead(byte: number): boolean {
    if (byte < 0xc2 || byte > 0xf4) return false
    this.#count = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3
    this.#low = byte === 0xe0 ? 0xa0 : byte === 0xf0 ? 0x90 : 0x80
    this.#high = byte === 0xed ? 0x9f : byte === 0xf4 ? 0x8f : 0xbf
    this.#inside = UTF8
    if (this.#inKey) this.#listener.keyByte(byte)
    return true
  }

  #continuation(byte: number): boolean {
    if (byte < this.#low || byte > this.#high) return false
    this.#low = 0x80
    this.#high = 0xbf
    if (--this.#count === 0) this.#inside = PLAIN
    if (this.#inKey) this.#listener.keyByte(byte)
    return true
  }

  #isOfNumber(byte: number): boolean {
    return (byte >= DIGIT_0 && byte <= DIGIT_9) || byte === DOT || byte === DASH || byte === 43 || (byte | 32) === 101
  }

  /** One more byte of a number (RFC 8259 section 6). */
  #digit(byte: number): boolean {
    const state = this.#number
    if (byte >= DIGIT_0 && byte <= DIGIT_9) {
      if (state === ZERO) return false
      if (state === MINUS) this.#number = byte === DIGIT_0 ? ZERO : INTEGER
      else if (state === POINT) this.#number = FRACTION
      else if (state === EXPONENT || state === SIGN) this.#number = POWER
      return true
    }
    if (byte === DOT) this.#number = POINT
    else if (byte === DASH || byte === 43) this.#number = SIGN
    else this.#number = EXPONENT
    if (byte === DOT) return state === ZERO || state === INTEGER
    if (byte === DASH || byte === 43) return state === EXPONENT
    return state === ZERO || state === INTEGER || state === FRACTION
  }

  #endNumber(at: number): boolean {
    const state = this.#number
    if (state !== ZERO && state !== INTEGER && state !== FRACTION && state !== POWER) return false
    this.#state = AFTER
    this.#listener.valueEnd(at)
    return true
  }
}

const MALFORMED = 'It is not JSON.'

function hexDigit(byte: number): number {
  if (byte >= DIGIT_0 && byte <= DIGIT_9) return byte - DIGIT_0
  const letter = byte | 32
  return letter >= 97 && letter <= 102 ? letter - 87 : -1
}
