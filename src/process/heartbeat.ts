// Whether the event loop of a worker turns: it is asked, and must answer. One question at a time, so that nothing piles
// up in front of a worker that does not read.

/** ms between two looks. */
export const LOOK = 1000
/** A worker that has not answered for so long (ms) is reported, and after the second one killed. */
export const UNRESPONSIVE_AFTER = 5000
export const KILL_AFTER = 30_000
/** A look that comes so late (ms) says that this process stood still: then nobody else is to blame. */
const LATE = 2500

export type Pulse = 'fine' | 'unresponsive' | 'dead'

export class Heartbeat {
  readonly #ask: () => void
  #askedAt = 0
  #waiting = false
  #lookedAt: number

  /** `ask` sends the question. `now`: monotonic ms. */
  constructor(ask: () => void, now: number) {
    this.#ask = ask
    this.#lookedAt = now
  }

  answered(): void {
    this.#waiting = false
  }

  /** To be called every LOOK ms. */
  look(now: number): Pulse {
    const stoodStill = now - this.#lookedAt > LATE
    this.#lookedAt = now
    if (!this.#waiting) {
      this.#waiting = true
      this.#askedAt = now
      this.#ask()
      return 'fine'
    }
    if (stoodStill) this.#askedAt = now
    const silent = now - this.#askedAt
    return silent >= KILL_AFTER ? 'dead' : silent >= UNRESPONSIVE_AFTER ? 'unresponsive' : 'fine'
  }
}
