// Signatures that were used, for as long as their date would be accepted. They lie in one set per minute of their date, so that
// old ones go together and no timer is needed.
//
//   minute of the date   29396160    29396161    29396162
//   signatures           {a, b}      {c}         {d, e, f}
//                        ^ dropped as a whole once nobody accepts its dates

const MINUTE = 60_000

/** Shared by all instances, since a signature that one of them has seen is used up for all. */
export class ReplayTable {
  readonly #minutes = new Map<number, Set<string>>()
  readonly #clock: () => number
  #size = 0
  #skew = 0
  #sweptAt = -1

  /** `clock` gives milliseconds since 1970. */
  constructor(clock: () => number = Date.now) {
    this.#clock = clock
  }

  get size(): number {
    return this.#size
  }

  /** Dates are accepted within `skew` ms: signatures are kept for the largest that anybody has named. */
  keepFor(skew: number): void {
    this.#skew = Math.max(this.#skew, skew)
  }

  /** `date` in ms is that of the signature: a second use has the same. Full: it could not be remembered. */
  use(signature: string, date: number, limit: number): 'first' | 'again' | 'full' {
    this.#sweep()
    const minute = Math.floor(date / MINUTE)
    let set = this.#minutes.get(minute)
    if (set?.has(signature) === true) return 'again'
    if (this.#size >= limit) return 'full'
    if (set === undefined) this.#minutes.set(minute, (set = new Set()))
    set.add(signature)
    this.#size++
    return 'first'
  }

  /** Once a minute: there are few sets, and most of the time nothing to do. */
  #sweep(): void {
    const time = this.#clock()
    const minute = Math.floor(time / MINUTE)
    if (minute === this.#sweptAt) return
    this.#sweptAt = minute
    for (const [each, set] of this.#minutes) {
      if ((each + 1) * MINUTE + this.#skew > time) continue
      this.#minutes.delete(each)
      this.#size -= set.size
    }
  }
}
