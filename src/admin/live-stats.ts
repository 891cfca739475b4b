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
import { cellsOf, type LatencyCells } from '../telemetry/latency-cells.ts'
import type { LogCounts } from '../telemetry/log-counts.ts'
import type { RequestTotals } from '../telemetry/request-metrics.ts'
import type { RouteMetrics } from '../telemetry/route-metrics.ts'
import type { SpanCounts } from '../telemetry/span.ts'
import { cpuSeconds, type RuntimeMetrics } from '../telemetry/runtime-metrics.ts'
import type { LiveUpstream } from '../upstreams/upstream.ts'
import { Slice } from '../base/slice.ts'
import type { StatsReport, StatsReportOf, TrafficStatsOf, UpstreamStatsOf } from './stats-report.ts'

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

/** What is told of latencies, made of what several have measured together. */
type Latency<L> = (several: readonly Durations[]) => L

export class LiveStats {
  readonly #source: StatsSource
  readonly #recent = new RecentLatencies()
  #slice = new Slice()

  constructor(source: StatsSource) {
    this.#source = source
  }

  report(): Promise<StatsReport> {
    return this.#report((several) => this.#recent.stats(several, now()))
  }

  /** The same, so that it can be added to that of other processes. */
  mergeable(): Promise<StatsReportOf<LatencyCells | null>> {
    return this.#report((several) => cellsOf(this.#recent.sums(several, now())))
  }

  async #report<L>(latency: Latency<L>): Promise<StatsReportOf<L>> {
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
        latency: await this.#inTurn(
          latency,
          used.map(({ metrics }) => metrics.durations),
        ),
      },
      routes: await inOrder(used, async ({ name, metrics }) => ({ name, ...(await this.#traffic(metrics, latency)) })),
      upstreams: await inOrder(upstreams, (upstream) => this.#upstream(upstream, latency)),
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

  cellsOf(durations: Durations): LatencyCells | null {
    return cellsOf(this.#recent.sums([durations], now()))
  }

  async #traffic<L>(route: RouteMetrics, latency: Latency<L>): Promise<TrafficStatsOf<L>> {
    return {
      total: route.durations.count,
      clientErrors: route.ofClass(4),
      serverErrors: route.ofClass(5),
      bytesIn: route.bytesIn,
      bytesOut: route.bytesOut,
      latency: await this.#inTurn(latency, [route.durations]),
    }
  }

  async #upstream<L>({ name, cluster }: LiveUpstream, latency: Latency<L>): Promise<UpstreamStatsOf<L>> {
    const lives = cluster.members.map(({ live }) => live)
    return {
      name,
      inFlight: cluster.inFlight,
      total: sumOf(lives, ({ requests }) => requests),
      failures: sumOf(lives, ({ failures }) => failures),
      latency: await this.#inTurn(
        latency,
        lives.map(({ durations }) => durations),
      ),
    }
  }

  async #inTurn<L>(latency: Latency<L>, several: readonly Durations[]): Promise<L> {
    if (this.#slice.over) await this.#slice.pause()
    return latency(several)
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
