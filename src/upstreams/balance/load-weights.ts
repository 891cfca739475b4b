// Weights that follow the load: who is slower, busier or has more on its way than the others of its group gets less. Our
// own mixture; the smooth change is that of client-side weighted round-robin in gRPC (A58) and of slow start: traffic that
// jumps makes the next measurement swing back.

export interface EndpointStats {
  /** 95th percentile of the time to the reply, ms; 0: not known. */
  readonly p95: number
  /** What the endpoint reported, 0 to 1; -1: it did not. */
  readonly load: number
  /** Requests since the last sample. */
  readonly events: number
  readonly inFlight: number
}

export interface LoadWeightsOptions {
  /** ms between samples. */
  readonly interval?: number
  /** ms that a factor takes to its target. */
  readonly transition?: number
  /** Bounds of a factor, around 1. */
  readonly floor?: number
  readonly ceiling?: number
}

const LATENCY_PART = 0.5
const LOAD_PART = 0.3
const IN_FLIGHT_PART = 0.2

export class LoadWeights {
  /** ms; for whoever calls `sample`. */
  readonly interval: number
  readonly #transition: number
  readonly #floor: number
  readonly #ceiling: number
  readonly #weights: Float64Array
  /** Factors at the last sample, and where they go to. */
  readonly #from: Float64Array
  readonly #target: Float64Array
  #at = 0

  /**
   * `weights`: as configured. `factors`: what each is multiplied with until the first sample; 1 when left out. Throws
   * RangeError when the bounds do not enclose 1.
   */
  constructor(weights: ArrayLike<number>, options: LoadWeightsOptions = {}, factors?: ArrayLike<number>) {
    const { interval = 5_000, transition = 30_000, floor = 0.2, ceiling = 2 } = options
    if (!(floor > 0 && floor <= 1 && ceiling >= 1)) {
      throw new RangeError(`floor and ceiling are on either side of 1, not ${floor} and ${ceiling}`)
    }
    this.interval = interval
    this.#transition = transition
    this.#floor = floor
    this.#ceiling = ceiling
    this.#weights = Float64Array.from(weights)
    this.#from = factors === undefined ? new Float64Array(weights.length).fill(1) : Float64Array.from(factors)
    this.#target = this.#from.slice()
  }

  /** `stats`: of every endpoint, by index. `now`, ms: never less than before. */
  sample(stats: readonly EndpointStats[], now: number): void {
    for (let i = 0; i < this.#from.length; i++) this.#from[i] = this.factorAt(i, now)
    this.#at = now
    const latency = relative(stats.map(({ p95 }) => (p95 > 0 ? p95 : NaN)))
    const reported = relative(stats.map(({ load }) => (load >= 0 ? Math.min(1, load) : NaN)))
    const events = relative(stats.map((each, i) => each.events / this.#weights[i]!))
    // By weight as well: who is told to take three times as much has three times as much on its way.
    const inFlight = relative(stats.map((each, i) => each.inFlight / this.#weights[i]!))
    for (let i = 0; i < this.#target.length; i++) {
      const known = stats[i]!.p95 > 0 || stats[i]!.load >= 0 || stats[i]!.events > 0
      const load = stats[i]!.load >= 0 ? reported[i]! : events[i]!
      const score = LATENCY_PART * latency[i]! + LOAD_PART * load + IN_FLIGHT_PART * inFlight[i]!
      this.#target[i] = known ? Math.min(this.#ceiling, Math.max(this.#floor, 1 / score)) : 1
    }
  }

  /** What the configured weight of an endpoint is multiplied with. `now`, ms. */
  factorAt(index: number, now: number): number {
    const from = this.#from[index]!
    const target = this.#target[index]!
    const passed = Math.max(0, now - this.#at)
    return passed < this.#transition ? from + ((target - from) * passed) / this.#transition : target
  }
}

/** Each against the mean of those that are known; 1 for what is not known, and for all when the mean is 0. */
function relative(values: readonly number[]): number[] {
  const known = values.filter((value) => Number.isFinite(value) && value >= 0)
  const mean = known.reduce((sum, value) => sum + value / known.length, 0)
  return values.map((value) => (mean > 0 && Number.isFinite(value) && value >= 0 ? value / mean : 1))
}
