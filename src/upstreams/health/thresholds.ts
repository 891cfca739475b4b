// From single checks to a verdict that does not flap: it changes after so many results in a row that contradict it.
// The first result of all decides alone, as HAProxy does: a gateway that starts should not send to who is down.

export class Thresholds {
  /** Innocent until checked. */
  healthy = true
  readonly #toHealthy: number
  readonly #toUnhealthy: number
  #decided = false
  #against = 0

  /** Results in a row that it takes, from 1. */
  constructor(healthy: number, unhealthy: number) {
    this.#toHealthy = healthy
    this.#toUnhealthy = unhealthy
  }

  /** True when `healthy` has changed. */
  observe(passed: boolean): boolean {
    const needed = this.#decided ? (passed ? this.#toHealthy : this.#toUnhealthy) : 1
    this.#decided = true
    this.#against = passed === this.healthy ? 0 : this.#against + 1
    if (this.#against === 0 || this.#against < needed) return false
    this.healthy = passed
    this.#against = 0
    return true
  }
}
