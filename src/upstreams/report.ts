// What is known of an upstream and its endpoints now, for whoever operates the gateway.
import { now } from '../base/clock.ts'
import type { LatencyStats } from '../telemetry/latencies.ts'
import type { CircuitBreaker } from './health/breaker.ts'
import type { LiveEndpoint } from './live-endpoint.ts'
import type { Member } from './member.ts'
import type { LiveUpstream } from './upstream.ts'

/** `L`: latencies to the head of the reply, of the last 10 to 20 seconds. Latencies and times in ms, shares from 0 to 1; null: nobody watches that, or nothing is known. */
export type UpstreamReport = UpstreamReportOf<LatencyStats | null>

export interface UpstreamReportOf<L> {
  readonly name: string
  readonly inFlight: number
  /** Of those, requests without a connection. */
  readonly pending: number
  /** Too few endpoints are healthy, so that health is not looked at. */
  readonly panic: boolean
  readonly breaker: BreakerReport | null
  readonly discovery: { readonly error: string | null } | null
  readonly endpoints: readonly EndpointReportOf<L>[]
}

export interface BreakerReport {
  readonly state: string
  readonly openings: number
  readonly retryAfter: number
}

export type EndpointReport = EndpointReportOf<LatencyStats | null>

export interface EndpointReportOf<L> {
  readonly url: string
  readonly zone: string
  readonly region: string
  readonly metadata: Readonly<Record<string, string>>
  readonly weight: number
  /** Part of the requests of the upstream that it gets now. */
  readonly share: number
  readonly healthy: boolean
  /** Workers that hold it for unhealthy while others do not; absent when all agree. */
  readonly unhealthyIn?: readonly number[]
  /** It gets its share little by little. */
  readonly warming: boolean
  readonly check: {
    readonly healthy: boolean
    readonly checks: number
    readonly failures: number
    readonly lastError: string
  } | null
  readonly outlier: {
    readonly ejected: boolean
    readonly reason: string
    readonly ejections: number
    readonly endsIn: number
  } | null
  readonly breaker: BreakerReport | null
  readonly inFlight: number
  readonly connections: number
  readonly requests: number
  readonly failures: number
  readonly latency: L
  /** What outlier detection and load-aware weights compare: of the last 30 seconds, without failures. */
  readonly p95: number | null
  readonly reportedLoad: number | null
}

export type LatencyOf<L> = (live: LiveEndpoint) => L

export function reportOf<L = null>(
  { name, cluster, source }: LiveUpstream,
  latencyOf: LatencyOf<L | null> = () => null,
): UpstreamReportOf<L | null> {
  const shares = cluster.shares()
  return {
    name,
    inFlight: cluster.inFlight,
    pending: cluster.pending,
    panic: cluster.panicking,
    breaker: breakerReport(cluster.breaker),
    discovery: source === null ? null : { error: source.source.error?.message ?? null },
    endpoints: cluster.members.map((member) => endpointReport(member, shares.get(member) ?? 0, latencyOf)),
  }
}

function endpointReport<L>(member: Member, share: number, latencyOf: LatencyOf<L>): EndpointReportOf<L> {
  const { url, live, origin, watch } = member
  const { check, record } = watch
  const { zone, region, metadata, weight } = origin
  return {
    url,
    zone,
    region,
    metadata,
    weight,
    share,
    healthy: member.healthy,
    warming: member.warmingSince >= 0,
    check:
      check === null
        ? null
        : { healthy: check.healthy, checks: check.checks, failures: check.failures, lastError: check.lastError },
    outlier:
      record === null
        ? null
        : {
            ejected: record.ejected,
            reason: record.reason,
            ejections: record.ejections,
            endsIn: record.ejected ? Math.max(0, Math.round(record.ejectedUntil - now())) : 0,
          },
    breaker: breakerReport(watch.breaker),
    inFlight: live.inFlight,
    connections: live.transport.connections,
    requests: live.requests,
    failures: live.failures,
    latency: latencyOf(live),
    p95: live.latencies.requests === 0 ? null : live.latencies.quantile(0.95),
    reportedLoad: live.reportedLoad < 0 ? null : live.reportedLoad,
  }
}

function breakerReport(breaker: CircuitBreaker | null): BreakerReport | null {
  if (breaker === null) return null
  return { state: breaker.state, openings: breaker.openings, retryAfter: Math.round(breaker.retryAfter) }
}
