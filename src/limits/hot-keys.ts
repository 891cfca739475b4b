// The keys that are refused most of late: space saving (Metwally et al., 2005) with sixteen counters. A key that is refused
// more than a sixteenth of all times is among them for certain.

const COUNTERS = 16

export class HotKeys {
  readonly #keys: string[] = []
  readonly #counts: number[] = []

  add(key: string): void {
    const at = this.#keys.indexOf(key)
    if (at >= 0) {
      this.#counts[at] = this.#counts[at]! + 1
    } else if (this.#keys.length < COUNTERS) {
      this.#keys.push(key)
      this.#counts.push(1)
    } else {
      let least = 0
      for (let i = 1; i < COUNTERS; i++) if (this.#counts[i]! < this.#counts[least]!) least = i
      this.#keys[least] = key
      this.#counts[least] = this.#counts[least]! + 1
    }
  }

  /** Most first. Every look halves the counts, so that what was long ago fades. */
  list(): { readonly key: string; readonly refused: number }[] {
    const found = this.#keys.map((key, i) => ({ key, refused: this.#counts[i]! }))
    for (let i = this.#keys.length - 1; i >= 0; i--) {
      this.#counts[i] = this.#counts[i]! >> 1
      if (this.#counts[i]! > 0) continue
      this.#keys.splice(i, 1)
      this.#counts.splice(i, 1)
    }
    return found.toSorted((a, b) => b.refused - a.refused)
  }
}
