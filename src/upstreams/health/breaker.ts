// Circuit breaker (Nygard, Release It!, 2007) of one endpoint, over a sliding window:
//
//              share of failures or p95 too high
//   closed ------------------------------------------> open
//     ^                                                |  ^
//     |  `probes` successes                 open time  |  |  one failure: open for longer
//     |                                                v  |
//     +------------------- half-open: at most `probes` requests on their way
import { Timer, type TimerWheel } from '../../base/timer-wheel.ts'
import { FAILED_THERE, SUCCEEDED, UNKNOWN, type Outcome } from '../../contract/upstream.ts'
import { SlidingSums } from './sliding-sums.ts'

export type BreakerState = 'closed' | 'open' | 'half-open'

export interface BreakerOptions {
  /** ms over which requests are counted. */
  readonly window: number
  /** Requests in the window before it may open. */
  readonly minimum: number
  /** Share 0..1 of failures above which it opens; 0: failures never open it. */
  readonly failures: number
  /** ms; it opens when the p95 of the latency is above. A probe that takes longer has failed. 0: latency plays no part. */
  readonly latency: number
  /** ms that it stays open, plus up to a fifth at random; doubled with every failed probe, to ten times at most. */
  readonly open: number
  /** Half-open: most requests on their way, and successes that close it. From 1. */
  readonly probes: number
}

/** Fleets of gateways must not probe at the same moment. */
const JITTER = 0.2
const MOST_OPEN = 10
/** ms, or the open time if that is longer: a probe that has not ended by then (a stream, say) makes room for another. */
const PATIENCE = 60_000
/** Tokens fit into so many bits: two of them into one small integer. */
export const TOKEN_BITS = 15
export const TOKEN_MASK = (1 << TOKEN_BITS) - 1
/** Token of a request that was sent although the breaker did not admit it. */
const UNCOUNTED = TOKEN_MASK

const REQUESTS = 0
const FAILURES = 1
const TIMED = 2
const SLOW = 3
const COLUMNS = 4

export class CircuitBreaker {
  state: BreakerState = 'closed'
  /** May a request be sent now? */
  admits = true
  /** How often it has opened. */
  openings = 0
  /**
   * Called when `state` or `admits` has changed: synchronously, at most once for each call of `begin` or `end` and
   * each timer, as the last thing that happens there. Whatever it calls here, `close` included, it may.
   */
  onChange: () => void = nothing
  readonly #options: BreakerOptions
  readonly #counts: SlidingSums
  readonly #wheel: TimerWheel
  readonly #clock: () => number
  readonly #random: () => number
  readonly #timer = new Timer(() => this.#halfOpen())
  /** Changes with every state: what began before says nothing about now. */
  #generation = 0
  /** ms of the next opening, before the jitter. */
  #openMs: number
  #openUntil = 0
  #probing = 0
  #successes = 0
  #retired = false

  /** `clock`: monotonic ms, the one of the wheel. `random`: 0..1. */
  constructor(options: BreakerOptions, wheel: TimerWheel, clock: () => number, random: () => number = Math.random) {
    this.#options = options
    this.#counts = new SlidingSums(COLUMNS, options.window, clock)
    this.#wheel = wheel
    this.#clock = clock
    this.#random = random
    this.#openMs = options.open
  }

  /**
   * A request is sent. Give what this returns to `end`, exactly once. To send one that is not admitted (because no
   * endpoint admits any) does no harm: its end is not counted.
   */
  begin(): number {
    return this.state === 'closed' ? this.#generation : this.#beginProbe()
  }

  /** Requests that began before the state changed count for nothing. `latencyMs` below 0: there is none. */
  end(token: number, outcome: Outcome, latencyMs: number): void {
    if (token !== this.#generation || this.#retired) return
    if (this.state === 'closed') this.#judge(outcome, latencyMs)
    else this.#endProbe(outcome, latencyMs)
  }

  /** ms until it lets a request through: 0 when it does. While probes are on their way nobody knows: 1. */
  get retryAfter(): number {
    if (this.admits) return 0
    return this.state === 'open' ? Math.max(1, this.#openUntil - this.#clock()) : 1
  }

  /** For good: it stays in its state, and no timer is left. */
  close(): void {
    this.#retired = true
    this.#wheel.disarm(this.#timer)
  }

  #judge(outcome: Outcome, latencyMs: number): void {
    if (outcome === UNKNOWN) return
    const counts = this.#counts
    counts.expire()
    counts.count(REQUESTS)
    const failed = outcome === FAILED_THERE
    const slow = latencyMs >= 0 && this.#isSlow(latencyMs)
    if (failed) counts.count(FAILURES)
    if (latencyMs >= 0) counts.count(TIMED)
    if (slow) counts.count(SLOW)
    // A good reply never opens it, whatever is left in the window: traffic may have ceased since the bad ones.
    if ((failed || slow) && this.#isBad(counts.sums)) this.#open()
  }

  #isBad(sums: Uint32Array): boolean {
    const { minimum, failures } = this.#options
    if (sums[REQUESTS]! < minimum) return false
    if (failures > 0 && sums[FAILURES]! > failures * sums[REQUESTS]!) return true
    // The p95 is above the limit just when more than one in twenty is: exact, and no histogram is needed.
    return sums[TIMED]! >= minimum && sums[SLOW]! * 20 > sums[TIMED]!
  }

  #isSlow(latencyMs: number): boolean {
    const { latency } = this.#options
    return latency > 0 && latencyMs > latency
  }

  #beginProbe(): number {
    if (!this.admits || this.#retired) return UNCOUNTED
    const token = this.#generation
    this.#probing++
    if (this.#probing >= this.#options.probes) {
      this.#wheel.arm(this.#timer, Math.max(PATIENCE, this.#options.open))
      this.#become('half-open', false)
    }
    return token
  }

  #endProbe(outcome: Outcome, latencyMs: number): void {
    this.#probing--
    if (outcome === FAILED_THERE || (outcome === SUCCEEDED && this.#isSlow(latencyMs))) return this.#open()
    if (outcome === SUCCEEDED && ++this.#successes >= this.#options.probes) return this.#heal()
    this.#wheel.disarm(this.#timer)
    this.#become('half-open', true)
  }

  #open(): void {
    const { open } = this.#options
    const ms = this.#openMs * (1 + JITTER * this.#random())
    this.#openMs = Math.min(this.#openMs * 2, open * MOST_OPEN)
    this.#openUntil = this.#clock() + ms
    this.#nextGeneration()
    this.openings++
    this.#wheel.arm(this.#timer, ms)
    this.#become('open', false)
  }

  /** After the open time, and when the patience with probes has ended. Their successes stay counted. */
  #halfOpen(): void {
    if (this.state === 'open') this.#successes = 0
    this.#nextGeneration()
    this.#probing = 0
    this.#become('half-open', true)
  }

  #heal(): void {
    this.#wheel.disarm(this.#timer)
    this.#counts.clear()
    this.#nextGeneration()
    this.#openMs = this.#options.open
    this.#become('closed', true)
  }

  // A request would have to outlive 32,766 changes of state to be taken for one of now.
  #nextGeneration(): void {
    this.#generation = this.#generation + 1 === UNCOUNTED ? 0 : this.#generation + 1
  }

  #become(state: BreakerState, admits: boolean): void {
    if (state === this.state && admits === this.admits) return
    this.state = state
    this.admits = admits
    this.onChange()
  }
}

function nothing(): void {}
