// What workers that are gone have counted, so that the sums of all never fall.
import type { GcPauses } from '../../telemetry/runtime-metrics.ts'
import type { StatsReport } from '../stats-report.ts'
import type { MergeableStats } from './stats-shape.ts'

export const TRAFFIC = ['total', 'clientErrors', 'serverErrors', 'bytesIn', 'bytesOut'] as const

export type Traffic = Record<(typeof TRAFFIC)[number], number>

interface UpstreamCounts {
  total: number
  failures: number
}

const NO_TRAFFIC: Traffic = { total: 0, clientErrors: 0, serverErrors: 0, bytesIn: 0, bytesOut: 0 }

export class CountedStats {
  readonly requests: Traffic = { ...NO_TRAFFIC }
  /** s */
  cpu = 0
  readonly #routes = new Map<string, Traffic>()
  readonly #upstreams = new Map<string, UpstreamCounts>()
  readonly #gc = { pauses: 0, total: 0, longest: 0 }
  readonly #logs = { written: 0, dropped: 0, sampledOut: 0 }
  readonly #spans = { exported: 0, dropped: 0 }

  add({ requests, routes, upstreams, process, logs, spans }: MergeableStats): void {
    addTraffic(this.requests, requests)
    for (const route of routes) {
      const counts = this.#routes.get(route.name) ?? { ...NO_TRAFFIC }
      addTraffic(counts, route)
      this.#routes.set(route.name, counts)
    }
    for (const { name, total, failures } of upstreams) {
      const before = this.upstream(name)
      this.#upstreams.set(name, { total: before.total + total, failures: before.failures + failures })
    }
    this.cpu += process.cpu
    addGc(this.#gc, process.gc)
    addLogs(this.#logs, logs)
    addSpans(this.#spans, spans)
  }

  /** Forgets routes and upstreams that no worker has any more. */
  keep(all: readonly MergeableStats[]): void {
    const routes = new Set(all.flatMap((each) => each.routes.map(({ name }) => name)))
    const upstreams = new Set(all.flatMap((each) => each.upstreams.map(({ name }) => name)))
    for (const name of this.#routes.keys()) if (!routes.has(name)) this.#routes.delete(name)
    for (const name of this.#upstreams.keys()) if (!upstreams.has(name)) this.#upstreams.delete(name)
  }

  route(name: string): Traffic {
    return this.#routes.get(name) ?? NO_TRAFFIC
  }

  upstream(name: string): Readonly<UpstreamCounts> {
    return this.#upstreams.get(name) ?? { total: 0, failures: 0 }
  }

  /** With those of the others. */
  gc(others: readonly GcPauses[]): GcPauses {
    const sum = { ...this.#gc }
    for (const each of others) addGc(sum, each)
    return sum
  }

  logs(all: readonly MergeableStats[]): StatsReport['logs'] {
    const sum = { ...this.#logs }
    for (const { logs } of all) addLogs(sum, logs)
    return sum
  }

  /** null while no worker traces. */
  spans(all: readonly MergeableStats[]): StatsReport['spans'] {
    const sum = { ...this.#spans }
    for (const { spans } of all) addSpans(sum, spans)
    return all.some(({ spans }) => spans !== null) ? sum : null
  }
}

function addTraffic(sum: Traffic, more: Traffic): void {
  for (const name of TRAFFIC) sum[name] += more[name]
}

function addGc(sum: { pauses: number; total: number; longest: number }, more: GcPauses): void {
  sum.pauses += more.pauses
  sum.total += more.total
  sum.longest = Math.max(sum.longest, more.longest)
}

function addLogs(sum: { written: number; dropped: number; sampledOut: number }, more: StatsReport['logs']): void {
  sum.written += more.written
  sum.dropped += more.dropped
  sum.sampledOut += more.sampledOut
}

function addSpans(sum: { exported: number; dropped: number }, more: StatsReport['spans']): void {
  sum.exported += more?.exported ?? 0
  sum.dropped += more?.dropped ?? 0
}
