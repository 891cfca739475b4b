// The upstreams as all workers see them. Each worker has its own checks and breakers: the worst is told, and who says so
// when they differ.
import { statsOfCells } from '../../telemetry/latency-cells.ts'
import type { BreakerReport, EndpointReport, UpstreamReport } from '../../upstreams/report.ts'
import { Slice } from '../../base/slice.ts'
import type { FleetAdmin } from './fleet.ts'
import { greatest, grouped, sum } from './sums.ts'
import { readUpstreams, type Endpoint, type MergeableUpstreams, type Upstream } from './upstreams-shape.ts'
import { WorkerReports } from './worker-reports.ts'

/** What one worker says. */
interface Said<T> {
  readonly number: number
  readonly report: T
}

/** What endpoints have got of workers that are gone. */
interface EndpointCounts {
  requests: number
  failures: number
}

const NOTHING: EndpointCounts = { requests: 0, failures: 0 }

export class MergedUpstreams {
  readonly #reports: WorkerReports<MergeableUpstreams>
  /** By upstream and endpoint. */
  readonly #gone = new Map<string, EndpointCounts>()

  constructor(fleet: FleetAdmin) {
    this.#reports = new WorkerReports(fleet, {
      path: '/internal/upstreams',
      read: readUpstreams,
      gone: (said) => this.#bury(said),
    })
  }

  /** Never rejects. */
  async report(): Promise<UpstreamReport[]> {
    const reports = await this.#reports.read()
    const said = reports.flatMap(({ worker, said: report }) =>
      (report?.upstreams ?? []).map((upstream) => ({ number: worker.number, report: upstream })),
    )
    const merged: UpstreamReport[] = []
    const slice = new Slice()
    for (const each of grouped(said, ({ report }) => report.name).values()) merged.push(await this.#merge(each, slice))
    if (merged.length > 0) this.#keep(merged)
    return merged
  }

  async #merge(said: readonly Said<Upstream>[], slice: Slice): Promise<UpstreamReport> {
    const all = said.map(({ report }) => report)
    const { name } = all[0]!
    const byUrl = grouped(
      said.flatMap(({ number, report: { endpoints } }) => endpoints.map((report) => ({ number, report }))),
      ({ report }) => report.url,
    )
    const endpoints: EndpointReport[] = []
    for (const [url, each] of byUrl) {
      endpoints.push(mergeEndpoint(each, this.#gone.get(keyOf(name, url)) ?? NOTHING))
      await slice.rest()
    }
    return {
      name,
      inFlight: sum(all, ({ inFlight }) => inFlight),
      pending: sum(all, ({ pending }) => pending),
      panic: all.some(({ panic }) => panic),
      breaker: mergeBreakers(all.map(({ breaker }) => breaker)),
      discovery: worst(
        all.map(({ discovery }) => discovery),
        ({ error }) => (error === null ? 0 : 1),
      ),
      endpoints,
    }
  }

  #bury({ upstreams }: MergeableUpstreams): void {
    for (const { name, endpoints } of upstreams) {
      for (const { url, requests, failures } of endpoints) {
        const before = this.#gone.get(keyOf(name, url)) ?? NOTHING
        this.#gone.set(keyOf(name, url), {
          requests: before.requests + requests,
          failures: before.failures + failures,
        })
      }
    }
  }

  /** Forgets endpoints that no worker has any more. */
  #keep(merged: readonly UpstreamReport[]): void {
    const present = new Set(merged.flatMap(({ name, endpoints }) => endpoints.map(({ url }) => keyOf(name, url))))
    for (const key of this.#gone.keys()) if (!present.has(key)) this.#gone.delete(key)
  }
}

function keyOf(upstream: string, url: string): string {
  return `${upstream} ${url}`
}

function mergeEndpoint(said: readonly Said<Endpoint>[], gone: EndpointCounts): EndpointReport {
  const all = said.map(({ report }) => report)
  const unhealthyIn = said.filter(({ report }) => !report.healthy).map(({ number }) => number)
  const differ = unhealthyIn.length > 0 && unhealthyIn.length < said.length
  return {
    ...all[0]!,
    // Each worker shares out its own requests.
    share: sum(all, ({ share }) => share) / all.length,
    healthy: unhealthyIn.length === 0,
    ...(differ ? { unhealthyIn } : {}),
    warming: all.some(({ warming }) => warming),
    check: mergeChecks(all.map(({ check }) => check)),
    outlier: mergeOutliers(all.map(({ outlier }) => outlier)),
    breaker: mergeBreakers(all.map(({ breaker }) => breaker)),
    inFlight: sum(all, ({ inFlight }) => inFlight),
    connections: sum(all, ({ connections }) => connections),
    requests: sum(all, ({ requests }) => requests) + gone.requests,
    failures: sum(all, ({ failures }) => failures) + gone.failures,
    latency: statsOfCells(all.map(({ latency }) => latency)),
    p95: greatestKnown(all.map(({ p95 }) => p95)),
    reportedLoad: greatestKnown(all.map(({ reportedLoad }) => reportedLoad)),
  }
}

function mergeChecks(checks: readonly Endpoint['check'][]): Endpoint['check'] {
  const known = present(checks)
  const shown = worst(checks, ({ healthy, lastError }) => (healthy ? 0 : 2) + (lastError === '' ? 0 : 1))
  if (shown === null) return null
  return { ...shown, checks: sum(known, (each) => each.checks), failures: sum(known, (each) => each.failures) }
}

function mergeOutliers(outliers: readonly Endpoint['outlier'][]): Endpoint['outlier'] {
  const shown = worst(outliers, ({ ejected, endsIn }) => (ejected ? 1 + endsIn : 0))
  return shown === null ? null : { ...shown, ejections: sum(present(outliers), ({ ejections }) => ejections) }
}

const SEVERITY: Readonly<Record<string, number>> = { closed: 0, 'half-open': 1, open: 2 }

function mergeBreakers(breakers: readonly (BreakerReport | null)[]): BreakerReport | null {
  const known = present(breakers)
  const shown = worst(breakers, ({ state }) => SEVERITY[state] ?? 0)
  if (shown === null) return null
  return {
    state: shown.state,
    openings: sum(known, ({ openings }) => openings),
    retryAfter: greatest(known, ({ retryAfter }) => retryAfter),
  }
}

/** The first of those with the greatest badness; null when there is none at all. */
function worst<T>(several: readonly (T | null)[], badness: (each: T) => number): T | null {
  let found: T | null = null
  for (const each of present(several)) if (found === null || badness(each) > badness(found)) found = each
  return found
}

function present<T>(several: readonly (T | null)[]): T[] {
  return several.filter((each) => each !== null)
}

/** Nobody can add up percentiles. */
function greatestKnown(several: readonly (number | null)[]): number | null {
  const known = present(several)
  return known.length === 0 ? null : greatest(known, (each) => each)
}
