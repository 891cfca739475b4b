// Makes the report of `GET /admin/v1/stats`. Percentiles of a thousand routes take longer than the event loop may be
// held, so it is given back in between.
import { performance } from 'node:perf_hooks'
import { now } from '../base/clock.ts'
import { VERSION } from '../base/version.ts'
import type { RequestListener } from '../contract/listener.ts'
import type { Route } from '../contract/snapshot.ts'
import type { Reloads } from '../control/reloads.ts'
import type { Durations } from '../telemetry/durations.ts'
import { RecentLatencies, type LatencyStats } from '../telemetry/latencies.ts'
import type { LogCounts } from '../telemetry/log-counts.ts'
import type { RequestTotals } from '../telemetry/request-metrics.ts'
import type { RouteMetrics } from '../telemetry/route-metrics.ts'
import type { SpanCounts } from '../telemetry/span.ts'
import { cpuSeconds, type RuntimeMetrics } from '../telemetry/runtime-metrics.ts'
import type { LiveUpstream } from '../upstreams/upstream.ts'
import { Slice } from '../base/slice.ts'
import type { StatsReport, TrafficStats } from './stats-report.ts'

/** What the report is made of; read anew for each. */
export interface StatsSource {
  readonly ready: boolean
  readonly snapshot: { readonly version: number; readonly routes: readonly Route[]; readonly unmatched: Route }
  readonly upstreams: Iterable<LiveUpstream>
  readonly listeners: Iterable<RequestListener>
  readonly inFlight: number
  readonly totals: RequestTotals
  readonly reloads: Reloads
  readonly runtime: RuntimeMetrics
  readonly logCounts: LogCounts
  /** null while requests are not traced. */
  readonly spanCounts: SpanCounts | null
}

export class LiveStats {
  readonly #source: StatsSource
  readonly #recent = new RecentLatencies()
  #slice = new Slice()

  constructor(source: StatsSource) {
    this.#source = source
  }

  async report(): Promise<StatsReport> {
    const { ready, snapshot, inFlight, totals, reloads, logCounts: logs, spanCounts: spans, runtime } = this.#source
    const listeners = [...this.#source.listeners]
    const upstreams = [...this.#source.upstreams]
    const used = [...snapshot.routes, snapshot.unmatched]
    this.#slice = new Slice()
    return {
      time: Date.now(),
      uptime: Math.round(performance.now()),
      version: VERSION,
      pid: process.pid,
      ready,
      configuration: {
        version: snapshot.version,
        since: reloads.since,
        applied: reloads.applied,
        rejected: reloads.rejected,
        lastError: reloads.lastError,
      },
      requests: {
        ...totals,
        inFlight,
        latency: await this.#latency(used.map(({ metrics }) => metrics.durations)),
      },
      routes: await inOrder(used, async ({ name, metrics }) => ({ name, ...(await this.#traffic(metrics)) })),
      upstreams: await inOrder(upstreams, (upstream) => this.#upstream(upstream)),
      connections: {
        clients: sumOf(listeners, ({ connections }) => connections),
        upstreams: sumOf(upstreams, ({ cluster }) => sumOf(cluster.members, ({ transport }) => transport.connections)),
      },
      process: {
        ...(await processStats(runtime)),
        exchanges: { active: inFlight, pooled: sumOf(listeners, ({ pooled }) => pooled) },
      },
      logs: {
        written: logs.total('written'),
        dropped: logs.total('dropped'),
        sampledOut: logs.total('sampled-out'),
      },
      spans: spans === null ? null : { exported: spans.exported, dropped: spans.dropped + spans.failed },
    }
  }

  latencyOf(durations: Durations): LatencyStats | null {
    return this.#recent.stats([durations], now())
  }

  async #traffic(route: RouteMetrics): Promise<TrafficStats> {
    return {
      total: route.durations.count,
      clientErrors: route.ofClass(4),
      serverErrors: route.ofClass(5),
      bytesIn: route.bytesIn,
      bytesOut: route.bytesOut,
      latency: await this.#latency([route.durations]),
    }
  }

  async #upstream({ name, cluster }: LiveUpstream): Promise<StatsReport['upstreams'][number]> {
    const lives = cluster.members.map(({ live }) => live)
    return {
      name,
      inFlight: cluster.inFlight,
      total: sumOf(lives, ({ requests }) => requests),
      failures: sumOf(lives, ({ failures }) => failures),
      latency: await this.#latency(lives.map(({ durations }) => durations)),
    }
  }

  async #latency(several: readonly Durations[]): Promise<LatencyStats | null> {
    if (this.#slice.over) await this.#slice.pause()
    return this.#recent.stats(several, now())
  }
}

async function processStats(runtime: RuntimeMetrics): Promise<Omit<StatsReport['process'], 'exchanges'>> {
  const { rss, heapUsed, heapTotal, external } = process.memoryUsage()
  const { lag } = runtime
  return {
    cpu: cpuSeconds(),
    resident: rss,
    heapUsed,
    heapTotal,
    external,
    descriptors: await runtime.descriptors(),
    loopLag: { p50: lag?.p50 ?? 0, p99: lag?.p99 ?? 0, max: lag?.max ?? 0 },
    gc: runtime.gc,
  }
}

function sumOf<T>(things: readonly T[], of: (thing: T) => number): number {
  return things.reduce((sum, thing) => sum + of(thing), 0)
}

/** One after the other: each may give the event loop back. */
async function inOrder<T, R>(things: readonly T[], make: (thing: T) => Promise<R>): Promise<R[]> {
  const made: R[] = []
  for (const thing of things) made.push(await make(thing))
  return made
}
