// What one endpoint did since the last analysis, and whether it is ejected. `outlier.ts` decides.
import { Timer } from '../../base/timer-wheel.ts'
import { BUCKETS, bucketOf, quantileOf } from './latency-buckets.ts'

export type EjectionReason = '' | 'consecutive' | 'success-rate' | 'latency'

/** What a record asks of its group. */
export interface OutlierJudge {
  /** Failures in a row that it must hear of; Infinity: it never wants to. */
  readonly consecutive: number
  /** That many failures in a row, or more. */
  failing(record: OutlierRecord): void
  /** Something was observed, for the first time since the last analysis. */
  awake(): void
  /** The ejection is over. */
  returns(record: OutlierRecord): void
}

export class OutlierRecord {
  readonly key: string
  ejected = false
  /** Of the present ejection; '' when there is none. */
  reason: EjectionReason = ''
  /** Since it joined; only grows. */
  ejections = 0
  /** Time at which the present ejection ends; 0: there is none. */
  ejectedUntil = 0
  /** How often in a row: the ejection is that many times as long. */
  times = 0
  /** Was it ejected at any time since the last analysis? */
  troubled = false
  /** False after it left: nothing is observed any more. */
  member = true
  requests = 0
  failures = 0
  /** Successes whose latency is known. */
  timed = 0
  /**
   * Called when `ejected` has changed, synchronously within `observe`, `leave` (of another) or a timer; all fields
   * of the group are consistent then, and members may join and leave.
   */
  onChange: () => void = nothing
  readonly timer: Timer
  readonly #judge: OutlierJudge
  readonly #latencies = new Uint32Array(BUCKETS)
  #streak = 0

  constructor(key: string, judge: OutlierJudge) {
    this.key = key
    this.#judge = judge
    this.timer = new Timer(() => judge.returns(this))
  }

  /**
   * One request has ended. `latencyMs` below 0: there is none. What ends during an ejection says nothing about
   * what comes after it, and is not counted. Allocates nothing.
   */
  observe(failed: boolean, latencyMs: number): void {
    if (this.ejected || !this.member) return
    if (this.requests++ === 0) this.#judge.awake()
    if (failed) return this.#fail()
    this.#streak = 0
    // Of successes only: an endpoint that fails fast must not make the others look slow.
    if (latencyMs < 0) return
    this.timed++
    this.#latencies[bucketOf(latencyMs)]!++
  }

  #fail(): void {
    this.failures++
    if (++this.#streak >= this.#judge.consecutive) this.#judge.failing(this)
  }

  /** p95 since the last analysis, ms. */
  get latency(): number {
    return quantileOf(this.#latencies, 0, this.timed, 0.95)
  }

  /** Share 0..1 since the last analysis; 1 without requests. */
  get successRate(): number {
    return this.requests === 0 ? 1 : 1 - this.failures / this.requests
  }

  /** An interval begins. */
  begin(): void {
    this.requests = 0
    this.failures = 0
    this.timed = 0
    this.#latencies.fill(0)
  }

  /** Nothing is known, as after joining; how often it was ejected is remembered. */
  beginAnew(): void {
    this.begin()
    this.#streak = 0
  }
}

function nothing(): void {}
