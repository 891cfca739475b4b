// What a scrape tells of the gateway itself: read when somebody scrapes.
import { VERSION } from '../base/version.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { StatsSource } from './live-stats.ts'

export function exposeOwn(metrics: Metrics, gateway: StatsSource): void {
  metrics.collect('counter', 'sluice_log_entries_total', 'Log entries, and what became of them', () =>
    gateway.logCounts.samples(),
  )
  metrics.collect('gauge', 'sluice_http_requests_in_flight', 'Requests between head and last byte', () => [
    { labels: {}, value: gateway.inFlight },
  ])
  metrics.collect('gauge', 'sluice_listener_connections', 'Open connections of clients', function* () {
    for (const { name, connections } of gateway.listeners) yield { labels: { listener: name }, value: connections }
  })
  metrics.collect('gauge', 'sluice_exchanges', 'Exchanges in use, and those kept for the next requests', function* () {
    yield { labels: { state: 'active' }, value: gateway.inFlight }
    let value = 0
    for (const { pooled } of gateway.listeners) value += pooled
    yield { labels: { state: 'pooled' }, value }
  })
  metrics.gauge('sluice_build_info', 'Always 1', { version: VERSION, node: process.versions.node }).set(1)
}
