// How long a worker that has ended waits before it starts anew: not at all the first time, then longer and longer.
import { growingDelay } from '../base/growing-delay.ts'

/** ms of the second restart, and the most. */
const FIRST = 100
const MOST = 10_000
/** ms of service after which what was before is forgotten. */
const GOOD_SERVICE = 60_000

export class RestartDelay {
  #failures = 0

  /** ms to wait. `served`: ms that the one that has ended was ready. */
  next(served: number): number {
    if (served >= GOOD_SERVICE) this.#failures = 0
    this.#failures++
    return this.#failures === 1 ? 0 : growingDelay(this.#failures - 1, FIRST, MOST)
  }
}
