// What became of the requests of the last while: how many, how many of them failed, and how long they took.
import { BUCKETS, bucketOf, quantileOf } from './latency-buckets.ts'
import { SlidingSums } from './sliding-sums.ts'

const REQUESTS = 0
const FAILURES = 1
const TIMED = 2
const LATENCIES = 3

export class SlidingWindow {
  readonly #counts: SlidingSums

  /** `windowMs` in ten slices: what is told covers the last nine to ten tenths of it. `clock`: monotonic ms. */
  constructor(windowMs: number, clock: () => number) {
    this.#counts = new SlidingSums(LATENCIES + BUCKETS, windowMs, clock)
  }

  /** `latencyMs` below 0: there is none, e.g. the connection was refused. Allocates nothing. */
  record(failed: boolean, latencyMs: number): void {
    const counts = this.#counts
    counts.expire()
    counts.count(REQUESTS)
    if (failed) counts.count(FAILURES)
    if (latencyMs < 0) return
    counts.count(TIMED)
    counts.count(LATENCIES + bucketOf(latencyMs))
  }

  get requests(): number {
    this.#counts.expire()
    return this.#counts.sums[REQUESTS]!
  }

  get failures(): number {
    this.#counts.expire()
    return this.#counts.sums[FAILURES]!
  }

  /** Latency in ms, within 6 % or 0.05 ms, that the share `q` (0..1) did not exceed; 0 when none is known. */
  quantile(q: number): number {
    this.#counts.expire()
    const { sums } = this.#counts
    return quantileOf(sums, LATENCIES, sums[TIMED]!, q)
  }

  clear(): void {
    this.#counts.clear()
  }
}
