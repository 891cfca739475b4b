// Passive ejection of endpoints that do worse than their group, on the plan of Envoy's outlier detection (its
// documentation, "Outlier detection"): at once after failures in a row, and once an interval by comparison.
//
// How many may be ejected: the share `maxEjected` of the group, rounded down, but one if the share is above 0, and
// never all: one endpoint stays, so that one alone is never ejected. A group that shrinks takes back who is over first.
import { Timer, type TimerWheel } from '../../base/timer-wheel.ts'
import { OutlierRecord, type EjectionReason, type OutlierJudge } from './outlier-record.ts'

export interface OutlierOptions {
  /** Failures in a row that eject at once; 0: off. */
  readonly consecutive: number
  /** ms between two comparisons of the group. */
  readonly interval: number
  /**
   * ms of the first ejection. The second takes twice, the third three times as long, up to `maxEjection`; each
   * interval without ejection takes one back.
   */
  readonly ejection: number
  /** ms; no less than `ejection`. */
  readonly maxEjection: number
  /** Share 0..1 of the group that may be ejected at a time; see above. */
  readonly maxEjected: number
  readonly successRate: {
    /** Requests that an endpoint must have had in the interval to be compared. */
    readonly minimumRequests: number
    /** Endpoints of which this must be true. */
    readonly minimumEndpoints: number
    /**
     * Ejected is who succeeds more rarely than the mean of the group minus that many standard deviations; 0: off. Of n
     * endpoints the worst is at most sqrt(n - 1) deviations below: 1.9 finds nothing among fewer than five.
     */
    readonly deviations: number
  }
  readonly latency: {
    /** Ejected is whose p95 is above that many times the (lower) median of the group; 0: off. */
    readonly factor: number
    /** Successful requests that an endpoint must have had in the interval to be compared. */
    readonly minimumRequests: number
  }
}

/** ms. A p95 below it is never an outlier: among the fast, noise alone is a factor. */
const LATENCY_FLOOR = 5
/** The mean of equal rates may be a little above each of them. */
const ROUNDING = 1e-9

export class OutlierDetector implements OutlierJudge {
  readonly consecutive: number
  readonly #options: OutlierOptions
  readonly #wheel: TimerWheel
  readonly #clock: () => number
  readonly #members = new Set<OutlierRecord>()
  readonly #analysis = new Timer(() => this.#analyse())
  #ejected = 0

  /** `clock`: monotonic ms, the one of the wheel. */
  constructor(options: OutlierOptions, wheel: TimerWheel, clock: () => number) {
    this.#options = options
    this.#wheel = wheel
    this.#clock = clock
    this.consecutive = options.consecutive > 0 ? options.consecutive : Infinity
  }

  get size(): number {
    return this.#members.size
  }

  /** Members that are ejected now. */
  get ejected(): number {
    return this.#ejected
  }

  /** A new member of the group, not ejected. `key` is for whoever reads the record; nobody looks for it here. */
  join(key: string): OutlierRecord {
    const record = new OutlierRecord(key, this)
    this.#members.add(record)
    return record
  }

  /** Its record stays as it is, and observes no more. */
  leave(record: OutlierRecord): void {
    if (!this.#members.delete(record)) return
    record.member = false
    this.#wheel.disarm(record.timer)
    if (record.ejected) this.#ejected--
    if (this.#members.size === 0) this.#wheel.disarm(this.#analysis)
    while (this.#ejected > this.#room()) this.returns(this.#firstToReturn())
  }

  /** All leave, and no timer is left. */
  close(): void {
    for (const record of this.#members) {
      record.member = false
      this.#wheel.disarm(record.timer)
    }
    this.#members.clear()
    this.#ejected = 0
    this.#wheel.disarm(this.#analysis)
  }

  failing(record: OutlierRecord): void {
    this.#eject(record, 'consecutive')
  }

  awake(): void {
    // Only when there is something to analyse: an idle gateway sleeps.
    if (!this.#analysis.armed) this.#wheel.arm(this.#analysis, this.#options.interval)
  }

  returns(record: OutlierRecord): void {
    this.#wheel.disarm(record.timer)
    this.#ejected--
    record.ejected = false
    record.reason = ''
    record.ejectedUntil = 0
    record.beginAnew()
    record.onChange()
  }

  /** How many may be ejected at a time. */
  #room(): number {
    const { size } = this.#members
    const { maxEjected } = this.#options
    return maxEjected > 0 && size > 1 ? Math.min(Math.max(1, Math.floor(maxEjected * size)), size - 1) : 0
  }

  #eject(record: OutlierRecord, reason: EjectionReason): void {
    if (!record.member || record.ejected || this.#ejected >= this.#room()) return
    const { ejection } = this.#options
    const maxEjection = Math.max(ejection, this.#options.maxEjection)
    // Beyond the longest ejection no more is remembered: what is healthy again is forgiven from there.
    if (record.times * ejection < maxEjection) record.times++
    const ms = Math.min(record.times * ejection, maxEjection)
    this.#ejected++
    record.ejected = true
    record.troubled = true
    record.reason = reason
    record.ejections++
    record.ejectedUntil = this.#clock() + ms
    this.#wheel.arm(record.timer, ms)
    this.awake()
    record.onChange()
  }

  #analyse(): void {
    const present = [...this.#members].filter((record) => !record.ejected)
    const failing = this.#failing(present)
    const slow = this.#slow(present)
    let busy = false
    for (const record of this.#members) {
      if (!record.troubled && record.times > 0) record.times--
      record.troubled = record.ejected
      if (record.requests > 0 || record.times > 0) busy = true
      record.begin()
    }
    if (busy) this.awake()
    // Last: whoever hears of it may change the group.
    for (const record of failing) this.#eject(record, 'success-rate')
    for (const record of slow) this.#eject(record, 'latency')
  }

  /** The worst first: there may not be room for all. */
  #failing(present: readonly OutlierRecord[]): OutlierRecord[] {
    const { minimumRequests, minimumEndpoints, deviations } = this.#options.successRate
    const compared = present.filter(({ requests }) => requests > 0 && requests >= minimumRequests)
    if (deviations <= 0 || compared.length < Math.max(2, minimumEndpoints)) return []
    const mean = compared.reduce((sum, { successRate }) => sum + successRate, 0) / compared.length
    const variance = compared.reduce((sum, { successRate }) => sum + (successRate - mean) ** 2, 0) / compared.length
    const limit = mean - deviations * Math.sqrt(variance) - ROUNDING
    const worse = compared.map((record) => ({ record, rate: record.successRate })).filter(({ rate }) => rate < limit)
    return worse.sort((a, b) => a.rate - b.rate).map(({ record }) => record)
  }

  #slow(present: readonly OutlierRecord[]): OutlierRecord[] {
    const { factor, minimumRequests } = this.#options.latency
    if (factor <= 0) return []
    const compared = present
      .filter(({ timed }) => timed > 0 && timed >= minimumRequests)
      .map((record) => ({ record, p95: record.latency }))
      .sort((a, b) => b.p95 - a.p95)
    if (compared.length < 2) return []
    const median = compared[compared.length >> 1]!.p95
    return compared.filter(({ p95 }) => p95 >= LATENCY_FLOOR && p95 > factor * median).map(({ record }) => record)
  }

  #firstToReturn(): OutlierRecord {
    return [...this.#members]
      .filter(({ ejected }) => ejected)
      .reduce((a, b) => (b.ejectedUntil < a.ejectedUntil ? b : a))
  }
}
