// Extra requests as a share of the requests of the last seconds (Finagle's RetryBudget has the idea): when everything
// fails, retries must not multiply the load that made it fail.
import { now } from '../base/clock.ts'
import { SlidingSums } from './health/sliding-sums.ts'

const WINDOW = 10_000
/** Extra requests per window that are allowed beside the share: a quiet service must be able to retry at all. */
const ALWAYS = 10

const REQUESTS = 0
const TAKEN = 1

export class Budget {
  /** Extra requests since it was made. */
  taken = 0
  readonly #share: number
  readonly #counts: SlidingSums

  /** `share`: 0.2 allows one extra request for five; 0 allows none. `clock`: monotonic ms. */
  constructor(share: number, clock: () => number = now) {
    this.#share = share
    this.#counts = new SlidingSums(2, WINDOW, clock)
  }

  requested(): void {
    this.#counts.expire()
    this.#counts.count(REQUESTS)
  }

  /** One extra request fits; it is taken from the budget. */
  take(): boolean {
    const counts = this.#counts
    counts.expire()
    if (this.#share === 0 || counts.sums[TAKEN]! >= this.#share * counts.sums[REQUESTS]! + ALWAYS) return false
    counts.count(TAKEN)
    this.taken++
    return true
  }
}
