// Expected latency that follows a slow reply at once and forgets it slowly: the peak EWMA of Finagle's load balancer
// (PeakEwma.scala), which Linkerd uses too. Unlike there, to ask for the value changes nothing: it does not depend on how
// often one asks.

/** ms. Less is not told from it: a clock of whole ms sees 0, which would mean that nothing is known. */
const LEAST = 0.1

/** What each reply that is faster keeps at most. With thousands of them a second one hiccup must not last for seconds. */
const KEPT_AT_MOST = 1 - 1 / 32

export class PeakEwma {
  readonly #decay: number
  #latency = 0
  #at = 0

  /** `decay`, ms, above 0: what was seen so long ago counts for 37 %. */
  constructor(decay = 10_000) {
    this.#decay = decay
  }

  /** ms, both; a latency that is no number from 0 is not counted. */
  observe(latency: number, now: number): void {
    if (!(latency >= 0 && latency < Infinity)) return
    const seen = Math.max(latency, LEAST)
    const kept = Math.min(KEPT_AT_MOST, this.#kept(now))
    this.#latency = seen >= this.#latency ? seen : this.#latency * kept + seen * (1 - kept)
    this.#at = Math.max(this.#at, now)
  }

  /** ms; 0 before the first reply. Falls towards 0 meanwhile, so that a slow endpoint is tried again some day. */
  value(now: number): number {
    return this.#latency * this.#kept(now)
  }

  #kept(now: number): number {
    return Math.exp(Math.min(0, this.#at - now) / this.#decay)
  }
}
