// What a generation takes over from the one before: its addresses, beside which it listens, also those that the kernel chose.

/** Real address by name of the listener: `listener public`, `admin`. */
export type Addresses = ReadonlyMap<string, string>

export interface Place {
  readonly bind: string
  /** The generation before has the address still. */
  readonly shared: boolean
}

export class Inheritance {
  readonly #addresses: Addresses
  #isShared: boolean

  constructor(addresses: Addresses = new Map(), isShared = false) {
    this.#addresses = addresses
    this.#isShared = isShared
  }

  /** The generation before serves still. */
  get isShared(): boolean {
    return this.#isShared
  }

  /** Where a listener with this `bind` is to listen. */
  placeOf(name: string, bind: string): Place {
    const before = this.#addresses.get(name) ?? ''
    // A port that was left to the kernel stays, so that clients find the next generation.
    const real = /:\d+$/.test(bind) && before.replace(/:\d+$/, ':0') === bind ? before : bind
    return { bind: real, shared: this.#isShared && [...this.#addresses.values()].includes(real) }
  }

  /** The generation before has left its addresses: from now on nobody else may have them. */
  complete(): void {
    this.#isShared = false
  }
}
