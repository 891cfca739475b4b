// What is counted of requests: by route, kept across reloads as long as a snapshot has the route, and what the gateway
// failed by code.
import { LiveStates } from '../base/live-states.ts'
import { addCumulative, BOUNDS, type Durations } from './durations.ts'
import type { Labels, Metrics, Series } from './metrics.ts'
import { RouteMetrics } from './route-metrics.ts'

const LES: readonly Labels[] = [...BOUNDS.map(String), '+Inf'].map((le) => ({ le }))

/** The label of requests that match no route. */
export const UNMATCHED = 'unmatched'

/** Codes of failures that are told apart: far more than the gateway has. */
const MOST_CODES = 256
const OTHER_CODE = 'other'

/** What all routes have counted. */
export interface RequestTotals {
  total: number
  clientErrors: number
  serverErrors: number
  bytesIn: number
  bytesOut: number
}

export class RequestMetrics {
  /** Of routes that are gone: the totals of the gateway never fall. */
  readonly #gone: RequestTotals = { total: 0, clientErrors: 0, serverErrors: 0, bytesIn: 0, bytesOut: 0 }
  readonly #routes = new LiveStates<RouteMetrics>((route) => addTo(this.#gone, route))
  readonly #failures = new Map<string, number>()

  constructor(metrics: Metrics) {
    metrics.collect('counter', 'sluice_http_requests_total', 'Requests that have ended', () => this.#requests())
    const seconds = 'From the head of a request to the last byte of its reply'
    metrics.collect('histogram', 'sluice_http_request_duration_seconds', seconds, () => this.#durations())
    metrics.collect('counter', 'sluice_http_request_bytes_total', 'Bytes of request bodies', () =>
      this.#bytes(({ bytesIn }) => bytesIn),
    )
    metrics.collect('counter', 'sluice_http_response_bytes_total', 'Bytes of reply bodies', () =>
      this.#bytes(({ bytesOut }) => bytesOut),
    )
    metrics.collect('counter', 'sluice_http_failures_total', 'Requests that the gateway refused or failed', () =>
      Array.from(this.#failures, ([code, value]) => ({ labels: { code }, value })),
    )
  }

  /** Takes a reference; every `acquire` is paired with one `release`. */
  acquire(route: string): RouteMetrics {
    return this.#routes.acquire(route, () => new RouteMetrics(route))
  }

  release(route: string): void {
    this.#routes.release(route)
  }

  /** How many routes are counted. */
  get routes(): number {
    return this.#routes.size
  }

  totals(): RequestTotals {
    const totals = { ...this.#gone }
    for (const route of this.#routes.values()) addTo(totals, route)
    return totals
  }

  /** One more request that ended so: a code of base/errors.ts, or one that a plugin has made up. */
  failed(code: string): void {
    const failures = this.#failures
    const label = failures.size < MOST_CODES || failures.has(code) ? code : OTHER_CODE
    failures.set(label, (failures.get(label) ?? 0) + 1)
  }

  *#requests(): Iterable<Series> {
    for (const route of this.#used())
      for (const { method, code, count } of route.pairs())
        yield { labels: { ...route.labels, method, code }, value: count }
  }

  *#durations(): Iterable<Series> {
    for (const { labels, durations, exemplars } of this.#used()) yield* histogramSeries(labels, durations, exemplars)
  }

  *#bytes(of: (route: RouteMetrics) => number): Iterable<Series> {
    for (const route of this.#used()) yield { labels: route.labels, value: of(route) }
  }

  /** Routes that nobody has asked for yet are not shown. */
  #used(): RouteMetrics[] {
    return this.#routes.values().filter(({ durations }) => durations.count > 0)
  }
}

function addTo(totals: RequestTotals, route: RouteMetrics): void {
  // Of many thousand routes most are seldom asked for.
  if (route.durations.count === 0) return
  totals.total += route.durations.count
  totals.clientErrors += route.ofClass(4)
  totals.serverErrors += route.ofClass(5)
  totals.bytesIn += route.bytesIn
  totals.bytesOut += route.bytesOut
}

/** `exemplars`: one per bucket, or null. */
export function* histogramSeries(
  labels: Labels,
  durations: Durations,
  exemplars: RouteMetrics['exemplars'] = null,
): Iterable<Series> {
  const sums = new Float64Array(LES.length)
  addCumulative(durations.pages, sums)
  // Requests go on between two parts: all of them must be of one moment.
  const { sum, count } = durations
  for (const [i, own] of LES.entries())
    yield { labels, own, suffix: '_bucket', value: sums[i]!, exemplar: exemplars?.[i] ?? null }
  yield { labels, suffix: '_sum', value: sum }
  yield { labels, suffix: '_count', value: count }
}
