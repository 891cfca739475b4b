// Masks of one body, one behind the other, up to a size.
import { BodyRefused, type BodyTransform, type ErrorKind } from '../../src/contract/plugin.ts'

export interface Mask extends BodyTransform {
  /** Nothing that comes is to be masked any more; gives out what was kept back. */
  pass(): Uint8Array | null
}

export class LimitedMask implements BodyTransform {
  readonly #masks: readonly Mask[]
  readonly #limit: number
  /** null: what is beyond the limit passes. */
  readonly #tooLarge: ErrorKind | null
  #received = 0
  #passing = false

  constructor(masks: readonly Mask[], limit: number, tooLarge: ErrorKind | null) {
    this.#masks = masks
    this.#limit = limit
    this.#tooLarge = tooLarge
  }

  chunk(bytes: Uint8Array): Uint8Array | null {
    const room = this.#limit - this.#received
    this.#received += bytes.length
    if (this.#passing || this.#received <= this.#limit) return this.#through(bytes)
    if (this.#tooLarge !== null) throw new BodyRefused(this.#tooLarge, `At most ${this.#limit} bytes can be masked.`)
    const before = this.#through(bytes.subarray(0, room))
    const out = before === null ? [] : [Buffer.from(before)]
    this.#passing = true
    this.#drain((mask) => mask.pass(), out)
    const behind = this.#through(bytes.subarray(room))
    if (behind !== null) out.push(Buffer.from(behind))
    return Buffer.concat(out)
  }

  end(): Uint8Array | null {
    const out: Buffer[] = []
    this.#drain((mask) => mask.end(), out)
    return out.length === 0 ? null : Buffer.concat(out)
  }

  /** What each mask has kept goes through those behind it, before they give out what they have kept themselves. */
  #drain(rest: (mask: Mask) => Uint8Array | null, out: Buffer[]): void {
    for (let i = 0; i < this.#masks.length; i++) {
      const kept = rest(this.#masks[i]!)
      const given = kept === null ? null : this.#through(kept, i + 1)
      if (given !== null) out.push(Buffer.from(given))
    }
  }

  #through(bytes: Uint8Array, first = 0): Uint8Array | null {
    let current: Uint8Array | null = bytes
    for (let i = first; i < this.#masks.length; i++) {
      if (current.length === 0) return null
      current = this.#masks[i]!.chunk(current)
      if (current === null) return null
    }
    return current
  }
}
