// Work that is asked for again and again and done one turn at a time: what is asked for while a turn runs is done in the next,
// once for all who asked.

export class Turns {
  readonly #work: (reasons: ReadonlySet<string>) => Promise<void>
  #running: Promise<void> = Promise.resolve()
  #next: { readonly reasons: Set<string>; readonly done: Promise<void> } | null = null

  /** `work` never rejects. */
  constructor(work: (reasons: ReadonlySet<string>) => Promise<void>) {
    this.#work = work
  }

  /** Resolves when a turn that begins later than now is over. */
  ask(reason: string): Promise<void> {
    if (this.#next === null) {
      const reasons = new Set<string>()
      const done = this.#running.then(() => {
        this.#next = null
        return this.#work(reasons)
      })
      this.#next = { reasons, done }
      this.#running = done
    }
    this.#next.reasons.add(reason)
    return this.#next.done
  }
}
