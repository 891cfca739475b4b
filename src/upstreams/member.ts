// One endpoint in one upstream: its place among the others, and everybody who wants to hear what became of a request.
import { now } from '../base/clock.ts'
import type { Transport } from '../contract/transport.ts'
import { FAILED_THERE, SUCCEEDED, UNKNOWN, type Endpoint, type Outcome } from '../contract/upstream.ts'
import type { Load } from './balance/balancer.ts'
import { reportedLoad } from './balance/reported-load.ts'
import type { DiscoveredEndpoint } from './discovery/source.ts'
import type { ActiveCheck } from './health/active-check.ts'
import { TOKEN_BITS, TOKEN_MASK, type CircuitBreaker } from './health/breaker.ts'
import type { OutlierRecord } from './health/outlier-record.ts'
import type { SlidingWindow } from './health/window.ts'
import type { LiveEndpoint } from './live-endpoint.ts'

/** What the members of an upstream share. */
export interface Group {
  /** Requests on their way, and those of them that have no connection yet. */
  inFlight: number
  pending: number
  /** Of the upstream as a whole. */
  readonly breaker: CircuitBreaker | null
  /** Latencies of the upstream as a whole; null: nobody asks. */
  readonly latencies: SlidingWindow | null
  /** Expected latencies are asked for. */
  readonly expectsLatency: boolean
  /** Latencies of each endpoint are asked for. */
  readonly comparesLatency: boolean
}

/** Who watches over a member; null: nobody does. */
export interface Watch {
  readonly check: ActiveCheck | null
  readonly record: OutlierRecord | null
  readonly breaker: CircuitBreaker | null
}

/** ms: a failure counts as at least this slow. What fails fast must not look fast. */
const FAILURE_LATENCY = 1_000

export class Member implements Endpoint, Load {
  readonly url: string
  readonly transport: Transport
  readonly live: LiveEndpoint
  /** What is said of it; changes without another member. */
  origin: DiscoveredEndpoint
  readonly watch: Watch
  /** Index among the members of its upstream. */
  place = 0
  /** Monotonic ms since when it gets its share little by little; -1: it has all of it. */
  warmingSince = -1
  /** Healthy and with a closed breaker when it was looked at last. */
  wasWell = true
  /** Of its requests, those that were there when loads were compared last. */
  requestsSampled: number
  readonly #group: Group
  readonly #observed: boolean

  constructor(live: LiveEndpoint, origin: DiscoveredEndpoint, watch: Watch, group: Group) {
    this.url = live.url
    this.transport = live.transport
    this.live = live
    this.origin = origin
    this.watch = watch
    this.requestsSampled = live.requests
    this.#group = group
    const { expectsLatency, comparesLatency, latencies, breaker } = group
    this.#observed =
      watch.record !== null ||
      watch.breaker !== null ||
      breaker !== null ||
      latencies !== null ||
      expectsLatency ||
      comparesLatency
  }

  get inFlight(): number {
    return this.live.inFlight
  }

  get latency(): number {
    return this.live.latency.value(now())
  }

  /** Neither checks nor comparison speak against it. */
  get healthy(): boolean {
    const { check, record } = this.watch
    return (check === null || check.healthy) && (record === null || !record.ejected)
  }

  /** Why it is not asked; undefined when nothing speaks against it. */
  get trouble(): string | undefined {
    const { check, record, breaker } = this.watch
    if (check !== null && !check.healthy) return `health check: ${check.lastError}`
    if (record !== null && record.ejected) return `ejected: ${record.reason}`
    return breaker === null || breaker.state === 'closed' ? undefined : 'circuit breaker'
  }

  get admits(): boolean {
    return this.watch.breaker === null || this.watch.breaker.admits
  }

  begin(): number {
    const group = this.#group
    this.live.inFlight++
    this.live.requests++
    group.inFlight++
    group.pending++
    const { breaker } = this.watch
    if (breaker === null && group.breaker === null) return 0
    const own = breaker === null ? 0 : breaker.begin()
    const shared = group.breaker === null ? 0 : group.breaker.begin()
    return (own << TOKEN_BITS) | shared
  }

  connected(): void {
    this.#group.pending--
  }

  settle(ticket: number, outcome: Outcome, latency: number): void {
    if (outcome === FAILED_THERE) this.live.failures++
    if (outcome !== UNKNOWN && latency >= 0) this.live.durations.record(latency)
    if (!this.#observed) return
    const group = this.#group
    const { breaker, record } = this.watch
    if (group.expectsLatency && (latency >= 0 || outcome === FAILED_THERE)) {
      this.live.latency.observe(outcome === FAILED_THERE ? Math.max(latency, FAILURE_LATENCY) : latency, now())
    }
    if (outcome === SUCCEEDED) {
      if (group.comparesLatency) this.live.latencies.record(false, latency)
      if (group.latencies !== null) group.latencies.record(false, latency)
    }
    if (record !== null && outcome !== UNKNOWN) record.observe(outcome === FAILED_THERE, latency)
    let shared = outcome
    if (breaker !== null) {
      const { state } = breaker
      breaker.end(ticket >> TOKEN_BITS, outcome, latency)
      // What an endpoint does that was found out, or is being tried, says nothing about the others.
      if (state !== 'closed' && breaker.state !== 'closed') shared = UNKNOWN
    }
    if (group.breaker !== null) group.breaker.end(ticket & TOKEN_MASK, shared, latency)
  }

  end(hadConnection: boolean): void {
    this.live.inFlight--
    this.#group.inFlight--
    if (!hadConnection) this.#group.pending--
  }

  reported(load: string): void {
    this.live.reportedLoad = reportedLoad(load)
  }
}
