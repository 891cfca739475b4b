// What a scrape tells of upstreams. Read when somebody scrapes: requests pay nothing for it.
import type { Metrics } from '../telemetry/metrics.ts'
import { histogramSeries } from '../telemetry/request-metrics.ts'
import type { BreakerState, CircuitBreaker } from './health/breaker.ts'
import type { Member } from './member.ts'
import type { LiveUpstream } from './upstream.ts'

const BREAKER = 'Circuit breaker: 0 closed, 1 half open, 2 open'
const STATES: Readonly<Record<BreakerState, number>> = { closed: 0, 'half-open': 1, open: 2 }

type Kind = 'counter' | 'gauge'

/** `upstreams`: those of the configuration that serves when it is asked. */
export function exposeUpstreams(metrics: Metrics, upstreams: () => Iterable<LiveUpstream>): void {
  const perEndpoint = (kind: Kind, name: string, help: string, value: (member: Member) => number): void => {
    metrics.collect(kind, name, help, () =>
      Array.from(upstreams()).flatMap(({ name: upstream, cluster }) =>
        cluster.members.map((member) => ({ labels: { upstream, endpoint: member.url }, value: value(member) })),
      ),
    )
  }
  const perUpstream = (name: string, help: string, value: (upstream: LiveUpstream) => number): void => {
    metrics.collect('gauge', name, help, () =>
      Array.from(upstreams(), (upstream) => ({ labels: { upstream: upstream.name }, value: value(upstream) })),
    )
  }
  perEndpoint('gauge', 'sluice_upstream_health', 'Whether checks and comparison hold it for healthy', ({ healthy }) =>
    healthy ? 1 : 0,
  )
  metrics.collect('gauge', 'sluice_upstream_share', 'Part of the requests that it gets now', () =>
    Array.from(upstreams()).flatMap(({ name: upstream, cluster }) =>
      Array.from(cluster.shares(), ([{ url }, value]) => ({ labels: { upstream, endpoint: url }, value })),
    ),
  )
  perEndpoint('gauge', 'sluice_upstream_requests_in_flight', 'Requests on their way', ({ live }) => live.inFlight)
  perEndpoint('gauge', 'sluice_upstream_connections', 'Open connections', ({ transport }) => transport.connections)
  perEndpoint('counter', 'sluice_upstream_requests_total', 'Requests sent', ({ live }) => live.requests)
  perEndpoint(
    'counter',
    'sluice_upstream_failures_total',
    'Requests that it failed: status 500 and above, connect, reset, timeout',
    ({ live }) => live.failures,
  )
  metrics.collect(
    'histogram',
    'sluice_upstream_request_duration_seconds',
    'From the choice of an endpoint to the head of its reply, or to the failure',
    function* () {
      for (const { name: upstream, cluster } of upstreams())
        for (const { url, live } of cluster.members)
          if (live.durations.count > 0) yield* histogramSeries({ upstream, endpoint: url }, live.durations)
    },
  )
  metrics.collect(
    'counter',
    'sluice_upstream_extra_requests_total',
    'Requests beside the first: retries of failures, and hedges of slow replies',
    function* () {
      for (const { name: upstream, retries, hedge } of upstreams()) {
        if (retries !== null) yield { labels: { upstream, reason: 'retry' }, value: retries.budget.taken }
        if (hedge !== null) yield { labels: { upstream, reason: 'hedge' }, value: hedge.budget.taken }
      }
    },
  )
  perEndpoint('gauge', 'sluice_upstream_endpoint_breaker_state', BREAKER, ({ watch }) => stateOf(watch.breaker))
  perUpstream('sluice_upstream_breaker_state', BREAKER, ({ cluster }) => stateOf(cluster.breaker))
  perUpstream('sluice_upstream_panic', '1 while too few are healthy to look at health', ({ cluster }) =>
    cluster.panicking ? 1 : 0,
  )
  perUpstream(
    'sluice_upstream_requests_pending',
    'Requests that wait for a connection',
    ({ cluster }) => cluster.pending,
  )
}

function stateOf(breaker: CircuitBreaker | null): number {
  return breaker === null ? 0 : STATES[breaker.state]
}
