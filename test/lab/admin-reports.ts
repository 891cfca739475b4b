// Reports of the admin API with made-up figures, for tests of those that show them.
import type { StatsReport, TrafficStats } from '../../src/admin/stats-report.ts'
import type { EndpointReport, UpstreamReport } from '../../src/upstreams/report.ts'

export function trafficStats(total: number, more: Partial<TrafficStats> = {}): TrafficStats {
  return {
    total,
    clientErrors: 0,
    serverErrors: 0,
    bytesIn: total * 100,
    bytesOut: total * 2_000,
    latency: { count: 100, p50: 1.2, p90: 3.4, p99: 12.5, p999: 31, max: 44 },
    ...more,
  }
}

export function statsReport(more: Partial<StatsReport> = {}): StatsReport {
  return {
    time: Date.now(),
    uptime: 60_000,
    version: '0.1.0',
    pid: 4711,
    ready: true,
    configuration: { version: 1, since: Date.now() - 60_000, applied: 1, rejected: 0, lastError: null },
    requests: { ...trafficStats(0), inFlight: 0 },
    routes: [],
    upstreams: [],
    connections: { clients: 0, upstreams: 0 },
    process: {
      cpu: 1,
      resident: 90 << 20,
      heapUsed: 30 << 20,
      heapTotal: 50 << 20,
      external: 4 << 20,
      descriptors: 40,
      loopLag: { p50: 0.1, p99: 1.1, max: 4 },
      gc: { pauses: 10, total: 20, longest: 3 },
      exchanges: { active: 0, pooled: 64 },
    },
    logs: { written: 0, dropped: 0, sampledOut: 0 },
    spans: null,
    ...more,
  }
}

export function endpointReport(more: Partial<EndpointReport> = {}): EndpointReport {
  return {
    url: 'http://10.0.0.1:8080',
    zone: '',
    region: '',
    metadata: {},
    weight: 1,
    share: 1,
    healthy: true,
    warming: false,
    check: null,
    outlier: null,
    breaker: null,
    inFlight: 0,
    connections: 0,
    requests: 0,
    failures: 0,
    latency: null,
    p95: null,
    reportedLoad: null,
    ...more,
  }
}

export function upstreamReport(more: Partial<UpstreamReport> = {}): UpstreamReport {
  return {
    name: 'users',
    inFlight: 0,
    pending: 0,
    panic: false,
    breaker: null,
    discovery: null,
    endpoints: [endpointReport()],
    ...more,
  }
}
