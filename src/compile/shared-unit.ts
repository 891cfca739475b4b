// A compiled route or upstream. Snapshots that follow each other share those that have not changed; what one has borrowed
// is given back when the last of them lets go.

export type Keep = (release: () => void) => void

export abstract class SharedUnit {
  readonly #releases: readonly (() => void)[]
  /** Snapshots that have it; the one that it is made for is the first. */
  #references = 1

  /** `releases`: of all that it has borrowed, in the order in which it was. */
  constructor(releases: readonly (() => void)[]) {
    this.#releases = releases
  }

  /** False: all has been given back already, and another one is needed. */
  take(): boolean {
    if (this.#references === 0) return false
    this.#references++
    return true
  }

  release(): void {
    if (this.#references === 0) throw new Error('released more often than taken')
    if (--this.#references > 0) return
    for (let i = this.#releases.length - 1; i >= 0; i--) this.#releases[i]!()
  }
}

/** Borrows with `make`; what it has kept so far is given back when it throws. */
export function borrowing<T>(make: (keep: Keep, releases: readonly (() => void)[]) => T): T {
  const releases: (() => void)[] = []
  try {
    return make((release) => void releases.push(release), releases)
  } catch (error) {
    for (const release of releases.toReversed()) release()
    throw error
  }
}
