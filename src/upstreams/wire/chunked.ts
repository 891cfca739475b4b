// Chunked bodies (RFC 9112 section 7.1), decoded where they lie: the payloads of one read are moved together, so that a
// thousand small chunks become one write to the client. Strict: CRLF and nothing else ends a line, sizes are hexadecimal
// digits and nothing else, and everything that a hostile upstream could make endless has a limit.
//
//   4CRLF wikiCRLF 5CRLF pediaCRLF 0CRLF CRLF   ->   wikipedia
import { IS_TOKEN, IS_VALUE } from '../../base/headers.ts'
import { COLON, CR, HEX_VALUE, LF, SEMICOLON } from './bytes.ts'
import { INVALID } from './read-head.ts'

const SIZE = 0
const EXTENSION = 1
const SIZE_LF = 2
const DATA = 3
const DATA_CR = 4
const DATA_LF = 5
const TRAILER = 6
const TRAILER_NAME = 7
const TRAILER_VALUE = 8
const TRAILER_LF = 9
const LAST_LF = 10
const DONE = 11

/** Hexadecimal digits of a size: 2^48 bytes are enough, and 2^53 would no longer be exact. */
const MOST_DIGITS = 12
/** Bytes of the extensions of one chunk. */
const LONGEST_EXTENSION = 256

export class ChunkedDecoder {
  /** Payload of the last `decode`, in the same bytes: [start, end). */
  start = 0
  end = 0
  #state = SIZE
  #left = 0
  #digits = 0
  #extension = 0
  #trailer = 0
  #longestTrailer = 0

  /** `longestTrailer`: bytes of all trailer fields. They are checked and dropped. */
  begin(longestTrailer: number): void {
    this.#state = SIZE
    this.#left = 0
    this.#digits = 0
    this.#extension = 0
    this.#trailer = 0
    this.#longestTrailer = longestTrailer
  }

  get done(): boolean {
    return this.#state === DONE
  }

  /** Decodes [from, to) in place. Returns the index behind what belongs to the body, or INVALID. */
  decode(bytes: Buffer, from: number, to: number): number {
    let at = from
    this.start = from
    this.end = from
    while (at < to) {
      if (this.#state === DATA) {
        at = this.#move(bytes, at, to)
        continue
      }
      if (!this.#step(bytes[at]!)) return INVALID
      at++
      if (this.#state === DONE) return at
    }
    return at
  }

  #move(bytes: Buffer, at: number, to: number): number {
    const stop = Math.min(to, at + this.#left)
    if (this.end === this.start) {
      this.start = at
      this.end = stop
    } else {
      bytes.copyWithin(this.end, at, stop)
      this.end += stop - at
    }
    this.#left -= stop - at
    if (this.#left === 0) this.#state = DATA_CR
    return stop
  }

  /** One byte that is not payload. False: it must not be there. */
  #step(byte: number): boolean {
    switch (this.#state) {
      case SIZE:
        return this.#size(byte)
      case EXTENSION:
        if (byte === CR) this.#state = SIZE_LF
        else if (IS_VALUE[byte] === 0 || ++this.#extension > LONGEST_EXTENSION) return false
        return true
      case SIZE_LF:
        this.#state = this.#left === 0 ? TRAILER : DATA
        this.#digits = 0
        this.#extension = 0
        return byte === LF
      case DATA_CR:
        this.#state = DATA_LF
        return byte === CR
      case DATA_LF:
        this.#state = SIZE
        return byte === LF
      default:
        return ++this.#trailer <= this.#longestTrailer + 2 && this.#trailerByte(byte)
    }
  }

  #size(byte: number): boolean {
    const digit = HEX_VALUE[byte]!
    if (digit !== 255) {
      this.#left = this.#left * 16 + digit
      return ++this.#digits <= MOST_DIGITS
    }
    this.#state = byte === CR ? SIZE_LF : EXTENSION
    return this.#digits > 0 && (byte === CR || byte === SEMICOLON)
  }

  #trailerByte(byte: number): boolean {
    switch (this.#state) {
      case TRAILER:
        this.#state = byte === CR ? LAST_LF : TRAILER_NAME
        return byte === CR || IS_TOKEN[byte] === 1
      case TRAILER_NAME:
        if (byte === COLON) this.#state = TRAILER_VALUE
        return byte === COLON || IS_TOKEN[byte] === 1
      case TRAILER_VALUE:
        if (byte === CR) this.#state = TRAILER_LF
        return byte === CR || IS_VALUE[byte] === 1
      case TRAILER_LF:
        this.#state = TRAILER
        return byte === LF
      default:
        this.#state = DONE
        return byte === LF
    }
  }
}
