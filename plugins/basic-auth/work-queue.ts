// Expensive work, some at once and some waiting; what is more is refused at once instead of late.

export class WorkQueue {
  readonly #concurrency: number
  readonly #limit: number
  readonly #waiting: (() => void)[] = []
  #running = 0

  /** At most `concurrency` run and `limit` wait. */
  constructor(concurrency: number, limit: number) {
    this.#concurrency = concurrency
    this.#limit = limit
  }

  /** The result of `work`, sooner or later; null when there is no room even to wait. */
  run<T>(work: () => Promise<T>): Promise<T> | null {
    if (this.#running < this.#concurrency) {
      this.#running++
      return this.#do(work)
    }
    if (this.#waiting.length >= this.#limit) return null
    return new Promise<void>((resolve) => this.#waiting.push(resolve)).then(() => this.#do(work))
  }

  async #do<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } finally {
      // The place is handed on, so that nobody who comes now can take it.
      const next = this.#waiting.shift()
      if (next === undefined) this.#running--
      else next()
    }
  }
}
