// What a scrape tells of upstreams. Read when somebody scrapes: requests pay nothing for it.
import type { Metrics } from '../telemetry/metrics.ts'
import { reportOf, type BreakerReport, type EndpointReport, type UpstreamReport } from './report.ts'
import type { LiveUpstream } from './upstream.ts'

const BREAKER = 'Circuit breaker: 0 closed, 1 half open, 2 open'
const STATES: Readonly<Record<string, number>> = { closed: 0, 'half-open': 1, open: 2 }

/** `upstreams`: those of the configuration that serves when it is asked. */
export function exposeUpstreams(metrics: Metrics, upstreams: () => Iterable<LiveUpstream>): void {
  const perEndpoint = (
    kind: 'counter' | 'gauge',
    name: string,
    help: string,
    value: (endpoint: EndpointReport) => number,
  ): void => {
    metrics.collect(kind, name, help, () =>
      Array.from(upstreams(), reportOf).flatMap(({ name: upstream, endpoints }) =>
        endpoints.map((endpoint) => ({ labels: { upstream, endpoint: endpoint.url }, value: value(endpoint) })),
      ),
    )
  }
  const perUpstream = (name: string, help: string, value: (report: UpstreamReport) => number): void => {
    metrics.collect('gauge', name, help, () =>
      Array.from(upstreams(), reportOf).map((report) => ({ labels: { upstream: report.name }, value: value(report) })),
    )
  }
  perEndpoint('gauge', 'sluice_upstream_health', 'Whether checks and comparison hold it for healthy', ({ healthy }) =>
    healthy ? 1 : 0,
  )
  perEndpoint('gauge', 'sluice_upstream_share', 'Part of the requests that it gets now', ({ share }) => share)
  perEndpoint('gauge', 'sluice_upstream_requests_in_flight', 'Requests on their way', ({ inFlight }) => inFlight)
  perEndpoint('gauge', 'sluice_upstream_connections', 'Open connections', ({ connections }) => connections)
  perEndpoint('counter', 'sluice_upstream_requests_total', 'Requests sent', ({ requests }) => requests)
  perEndpoint(
    'counter',
    'sluice_upstream_failures_total',
    'Requests that it failed: status 500 and above, connect, reset, timeout',
    ({ failures }) => failures,
  )
  perEndpoint('gauge', 'sluice_upstream_endpoint_breaker_state', BREAKER, ({ breaker }) => stateOf(breaker))
  perUpstream('sluice_upstream_breaker_state', BREAKER, ({ breaker }) => stateOf(breaker))
  perUpstream('sluice_upstream_panic', '1 while too few are healthy to look at health', ({ panic }) => (panic ? 1 : 0))
  perUpstream('sluice_upstream_requests_pending', 'Requests that wait for a connection', ({ pending }) => pending)
}

function stateOf(breaker: BreakerReport | null): number {
  return breaker === null ? 0 : STATES[breaker.state]!
}
