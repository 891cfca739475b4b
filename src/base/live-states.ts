// State that outlives a snapshot: pools, balancer positions, plugin instances. It is keyed by what defines it and
// counted by reference, so that a reload which changes nothing about it neither closes nor resets it.

interface Entry<T> {
  readonly value: T
  references: number
}

/** Hands out one shared value per key, made on first use and disposed of when its last user lets go. */
export class LiveStates<T> {
  readonly #entries = new Map<string, Entry<T>>()
  readonly #dispose: (value: T) => void

  constructor(dispose: (value: T) => void) {
    this.#dispose = dispose
  }

  get size(): number {
    return this.#entries.size
  }

  /** Takes a reference; every `acquire` is paired with one `release`. Throws what `create` throws, holding nothing. */
  acquire(key: string, create: () => T): T {
    let entry = this.#entries.get(key)
    if (entry === undefined) {
      entry = { value: create(), references: 0 }
      this.#entries.set(key, entry)
    }
    entry.references++
    return entry.value
  }

  release(key: string): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) throw new Error(`released more often than acquired: ${key}`)
    if (--entry.references > 0) return
    this.#entries.delete(key)
    this.#dispose(entry.value)
  }

  values(): T[] {
    return [...this.#entries.values()].map((entry) => entry.value)
  }
}
