// Tokens whose signature was checked in vain a moment ago. They have a cache of their own, so that they cannot push out
// good ones; first in, first out, as nobody is owed a place in it.
import type { RefusedToken } from '../contract/auth.ts'

interface Entry {
  readonly refusal: RefusedToken
  readonly until: number
}

export class RefusedTokens {
  readonly #capacity: number
  readonly #entries = new Map<string, Entry>()

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get size(): number {
    return this.#entries.size
  }

  /** Null if nothing is known. `now` and `until` are monotonic ms. */
  find(token: string, now: number): RefusedToken | null {
    const entry = this.#entries.get(token)
    if (entry === undefined) return null
    if (now < entry.until) return entry.refusal
    this.#entries.delete(token)
    return null
  }

  add(token: string, refusal: RefusedToken, until: number): void {
    if (this.#entries.size >= this.#capacity) {
      for (const oldest of this.#entries.keys()) {
        this.#entries.delete(oldest)
        break
      }
    }
    this.#entries.set(token, { refusal, until })
  }

  clear(): void {
    this.#entries.clear()
  }
}
