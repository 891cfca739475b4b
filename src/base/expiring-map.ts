// Answers that are worth keeping for a while: bounded, and never older than they may be.
import { now } from './clock.ts'

interface Kept<V> {
  readonly value: V
  /** Monotonic ms. */
  readonly until: number
}

/** When it is full, the entry that was set first makes room. */
export class ExpiringMap<V> {
  readonly #limit: number
  readonly #clock: () => number
  readonly #entries = new Map<string, Kept<V>>()

  /** `clock` gives monotonic milliseconds. Throws RangeError when not even one entry has room. */
  constructor(limit: number, clock: () => number = now) {
    if (limit < 1) throw new RangeError(`a map of ${limit} entries keeps nothing`)
    this.#limit = limit
    this.#clock = clock
  }

  get size(): number {
    return this.#entries.size
  }

  /** undefined if it was never set, has expired or had to make room. */
  get(key: string): V | undefined {
    const kept = this.#entries.get(key)
    if (kept === undefined) return undefined
    if (kept.until > this.#clock()) return kept.value
    this.#entries.delete(key)
    return undefined
  }

  /** Keeps `value` for `ms` milliseconds; not at all for 0. */
  set(key: string, value: V, ms: number): void {
    this.#entries.delete(key)
    if (ms <= 0) return
    if (this.#entries.size >= this.#limit) {
      for (const oldest of this.#entries.keys()) {
        this.#entries.delete(oldest)
        break
      }
    }
    this.#entries.set(key, { value, until: this.#clock() + ms })
  }

  clear(): void {
    this.#entries.clear()
  }
}
