// A body with the matches of one pattern replaced, within a window: as much is kept back as a match may be long.
//
//     context | kept back from the last chunk | the new chunk
//                     a match may begin up to here ^  window  ^
import type { RE2JS } from 're2js'
import type { BodyTransform } from '../../src/contract/plugin.ts'

/** Bytes before the place where the search goes on, for `\b` and `^`: one character. */
const CONTEXT = 4
/** Bytes behind a match that decide whether it is one: `\b` and `$`. */
const LOOKAHEAD = 4

export class TextMask implements BodyTransform {
  readonly #pattern: RE2JS
  readonly #window: number
  readonly #replacement: Uint8Array
  /** Bytes that were read and not given out, behind the context. Its own memory. */
  #kept: Buffer = EMPTY
  /** Where in `#kept` the context ends. */
  #at = 0
  #passing = false

  /** `window`: a match of more bytes may be missed. */
  constructor(pattern: RE2JS, window: number, replacement: Uint8Array) {
    this.#pattern = pattern
    this.#window = window + LOOKAHEAD
    this.#replacement = replacement
  }

  chunk(bytes: Uint8Array): Uint8Array | null {
    if (this.#passing) return bytes
    const all = Buffer.concat([this.#kept, bytes])
    // A search costs as much as the window at least, so that tiny chunks must not each cause one.
    if (all.length - this.#at < 2 * this.#window) {
      this.#kept = all
      return null
    }
    return this.#search(all, all.length - this.#window)
  }

  end(): Uint8Array | null {
    const all = this.#kept
    return all.length === this.#at ? null : this.#search(all, all.length)
  }

  /** What has come is masked and given out; what comes is not masked any more. */
  pass(): Uint8Array | null {
    const rest = this.end()
    this.#passing = true
    return rest
  }

  /** Gives out what begins before `settled`; the bytes behind it may be the beginning of a match. */
  #search(all: Buffer, settled: number): Uint8Array | null {
    const out: Uint8Array[] = []
    const matcher = this.#pattern.matcher(all)
    let from = this.#at
    let next = from
    while (next <= settled && matcher.find(next) && matcher.start() < settled) {
      const start = matcher.start()
      const end = matcher.end()
      if (end === start) {
        next = end + 1 // nothing to hide between two characters
        continue
      }
      out.push(all.subarray(from, start), this.#replacement)
      from = end
      next = end
    }
    const until = Math.max(from, settled)
    if (until > from) out.push(all.subarray(from, until))
    this.#keep(all, until)
    return out.length === 0 ? null : Buffer.concat(out)
  }

  #keep(all: Buffer, until: number): void {
    const context = Math.min(CONTEXT, until)
    this.#kept = Buffer.from(all.subarray(until - context))
    this.#at = context
  }
}

const EMPTY = Buffer.alloc(0)
