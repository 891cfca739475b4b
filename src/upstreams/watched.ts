// State that several snapshots' upstreams share for a while: all of them are told when it changes.

interface Telling {
  onChange: () => void
}

export class Watched<T extends Telling> {
  readonly value: T
  readonly #listeners = new Set<() => void>()

  constructor(value: T) {
    this.value = value
    value.onChange = () => {
      for (const listener of this.#listeners) listener()
    }
  }

  get listeners(): number {
    return this.#listeners.size
  }

  /** Returns how to stop listening. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }
}
