// The figures of all workers as if they were one process. Percentiles are made of the counts of all of them.
import { performance } from 'node:perf_hooks'
import { VERSION } from '../../base/version.ts'
import { statsOfCells, type LatencyCells } from '../../telemetry/latency-cells.ts'
import { Slice } from '../../base/slice.ts'
import type { ConfigurationStats, StatsReport, TrafficStats, WorkerStats } from '../stats-report.ts'
import { isReady, type FleetAdmin } from './fleet.ts'
import { CountedStats, TRAFFIC, type Traffic } from './stats-counts.ts'
import { readStats, type MergeableStats } from './stats-shape.ts'
import { greatest, grouped, sum } from './sums.ts'
import { WorkerReports, type WorkerReport } from './worker-reports.ts'

export class MergedStats {
  readonly #fleet: FleetAdmin
  readonly #reports: WorkerReports<MergeableStats>
  /** Of workers that are gone. */
  readonly #gone = new CountedStats()

  constructor(fleet: FleetAdmin) {
    this.#fleet = fleet
    this.#reports = new WorkerReports(fleet, {
      path: '/internal/stats',
      read: readStats,
      gone: (said) => this.#gone.add(said),
    })
  }

  /** Never rejects. */
  async report(): Promise<StatsReport> {
    const reports = await this.#reports.read()
    const all = reports.flatMap(({ said }) => (said === null ? [] : [said]))
    const slice = new Slice()
    // No other process counts there any more.
    if (all.length > 0) this.#gone.keep(all)
    const routes = await perName(
      all,
      ({ routes: each }) => each,
      slice,
      (name, several) => ({
        name,
        ...traffic(several, this.#gone.route(name)),
      }),
    )
    const upstreams = await perName(
      all,
      ({ upstreams: each }) => each,
      slice,
      (name, several) => ({
        name,
        inFlight: sum(several, ({ inFlight }) => inFlight),
        total: sum(several, ({ total }) => total) + this.#gone.upstream(name).total,
        failures: sum(several, ({ failures }) => failures) + this.#gone.upstream(name).failures,
        latency: statsOfCells(several.map(({ latency }) => latency)),
      }),
    )
    return {
      time: Date.now(),
      uptime: Math.round(performance.now()),
      version: VERSION,
      pid: process.pid,
      ready: isReady(this.#fleet),
      configuration: this.#fleet.configuration ?? configurationOf(all),
      requests: {
        ...traffic(
          all.map(({ requests }) => requests),
          this.#gone.requests,
        ),
        inFlight: sum(all, ({ requests }) => requests.inFlight),
      },
      routes,
      upstreams,
      connections: {
        clients: sum(all, ({ connections }) => connections.clients),
        upstreams: sum(all, ({ connections }) => connections.upstreams),
      },
      process: this.#process(all),
      logs: this.#gone.logs(all),
      spans: this.#gone.spans(all),
      workers: reports.map(workerStats),
    }
  }

  #process(all: readonly MergeableStats[]): StatsReport['process'] {
    const each = all.map(({ process: own }) => own)
    const descriptors = each.flatMap(({ descriptors: open }) => (open === null ? [] : [open]))
    return {
      cpu: sum(each, ({ cpu }) => cpu) + this.#gone.cpu,
      resident: sum(each, ({ resident }) => resident),
      heapUsed: sum(each, ({ heapUsed }) => heapUsed),
      heapTotal: sum(each, ({ heapTotal }) => heapTotal),
      external: sum(each, ({ external }) => external),
      descriptors: descriptors.length === 0 ? null : sum(descriptors, (open) => open),
      loopLag: {
        p50: greatest(each, ({ loopLag }) => loopLag.p50),
        p99: greatest(each, ({ loopLag }) => loopLag.p99),
        max: greatest(each, ({ loopLag }) => loopLag.max),
      },
      gc: this.#gone.gc(each.map(({ gc }) => gc)),
      exchanges: {
        active: sum(each, ({ exchanges }) => exchanges.active),
        pooled: sum(each, ({ exchanges }) => exchanges.pooled),
      },
    }
  }
}

/** In the order in which the names come; a worker may not have all of them yet. */
async function perName<T extends { readonly name: string }, R>(
  all: readonly MergeableStats[],
  of: (stats: MergeableStats) => readonly T[],
  slice: Slice,
  merge: (name: string, several: readonly T[]) => R,
): Promise<R[]> {
  const byName = grouped(all.flatMap(of), ({ name }) => name)
  const merged: R[] = []
  for (const [name, several] of byName) {
    merged.push(merge(name, several))
    await slice.rest()
  }
  return merged
}

function traffic(
  several: readonly (Traffic & { readonly latency: LatencyCells | null })[],
  gone: Traffic,
): TrafficStats {
  const counted = { ...gone }
  for (const name of TRAFFIC) counted[name] += sum(several, (each) => each[name])
  return { ...counted, latency: statsOfCells(several.map(({ latency }) => latency)) }
}

/** Of the worker that is behind the others, if one is. */
function configurationOf(all: readonly MergeableStats[]): ConfigurationStats {
  const oldest = all.map(({ configuration }) => configuration).toSorted((a, b) => a.version - b.version)[0]
  return oldest ?? { version: 0, since: 0, applied: 0, rejected: 0, lastError: null }
}

function workerStats({ worker, said, stale }: WorkerReport<MergeableStats>): WorkerStats {
  const { number, pid, state, restarts = 0 } = worker
  return {
    number,
    pid,
    state,
    restarts,
    stale,
    version: said?.configuration.version ?? null,
    requests: said?.requests.total ?? null,
    inFlight: said?.requests.inFlight ?? null,
    cpu: said?.process.cpu ?? null,
    resident: said?.process.resident ?? null,
    loopLag: said?.process.loopLag ?? null,
  }
}
