// One scrape of all workers.
import type { MetricSource } from '../../telemetry/exposition.ts'
import { SERIES_BUDGET, type Labels, type Metrics } from '../../telemetry/metrics.ts'
import { Slice } from '../../base/slice.ts'
import type { FleetAdmin, WorkerAdmin } from './fleet.ts'
import { counts, ruleOf, tellers } from './metric-rules.ts'
import { readMetricReport, type FamilyReport } from './metric-report.ts'
import { MetricSums } from './metric-sums.ts'
import { WorkerReports } from './worker-reports.ts'

/** Worker numbers that are told apart in what is counted here. */
const MOST_WORKERS = 1024
const SUPERVISOR = 'supervisor'
/** Every endpoint that there is has one. */
const ENDPOINTS = 'sluice_upstream_health'

export class MergedMetrics {
  readonly #own: Metrics
  readonly #reports: WorkerReports<readonly FamilyReport[]>
  /** What workers that are gone have counted: sums never fall. */
  readonly #gone = new MetricSums(SERIES_BUDGET)
  readonly #failures = new Map<number, number>()

  constructor(fleet: FleetAdmin) {
    this.#own = fleet.metrics
    this.#reports = new WorkerReports(fleet, {
      path: '/internal/metrics',
      read: readMetricReport,
      gone: (said, worker) => this.#bury(said, worker),
      failed: ({ number }) => this.#fail(number),
    })
    fleet.metrics.collect(
      'counter',
      'sluice_worker_scrape_failures_total',
      'Times that a worker did not tell its metrics; those that it told last stand for it',
      () => Array.from(this.#failures, ([number, value]) => ({ labels: { worker: String(number) }, value })),
    )
  }

  /** Asks all workers. Never rejects. */
  async read(): Promise<MetricSource> {
    const reports = await this.#reports.read()
    for (const { worker } of reports) if (!this.#failures.has(worker.number)) this.#count(worker.number, 0)
    const own = ownFamilies(this.#own)
    const names = new Set(own.map(({ name }) => name))
    const all = new MetricSums(this.#own.budget)
    const slice = new Slice()
    const add = async (
      families: Iterable<FamilyReport>,
      process: string,
      side: 'workers' | 'control',
    ): Promise<void> => {
      for (const family of families) {
        const teller = tellers(family.name, names.has(family.name))
        if (teller === 'both' || teller === side) await addFamily(all, family, process, slice)
      }
    }
    for (const { said, worker } of reports) await add(said ?? [], String(worker.number), 'workers')
    await add(own, SUPERVISOR, 'control')
    if (reports.some(({ said }) => said !== null)) this.#forgetEndpoints(all)
    for (const [name, family] of this.#gone.entries()) {
      const into = all.family(name, family.kind, family.help, 'sum')
      if (into === null || tellers(name, names.has(name)) === 'control') continue
      for (const { labels, parts } of family.labelSets()) {
        into.add(labels, parts)
        await slice.rest()
      }
    }
    return all
  }

  #bury(said: readonly FamilyReport[], { number }: WorkerAdmin): void {
    for (const { name, help, kind, sets } of said) {
      if (kind === 'gauge') continue
      const into = this.#gone.family(name, kind, help, 'sum', SERIES_BUDGET)
      if (into === null) continue
      const label = ruleOf(name, kind) === 'each' ? String(number) : null
      for (const { labels, parts } of sets) {
        const counted = parts.filter((part) => counts(kind, part))
        if (counted.length > 0) into.add(label === null ? labels : { ...labels, worker: label }, counted)
      }
    }
  }

  /** The series of an endpoint end when it leaves its upstream, whoever has counted them. */
  #forgetEndpoints(all: MetricSums): void {
    const endpoints = all.find(ENDPOINTS)
    const isGone = ({ upstream, endpoint }: Labels): boolean =>
      upstream !== undefined && endpoint !== undefined && endpoints?.has({ upstream, endpoint }) !== true
    for (const [, family] of this.#gone.entries()) family.drop(isGone)
  }

  #fail(number: number): void {
    this.#count(number, 1)
  }

  #count(number: number, amount: number): void {
    const before = this.#failures.get(number)
    if (before === undefined && this.#failures.size === MOST_WORKERS) return
    this.#failures.set(number, (before ?? 0) + amount)
  }
}

async function addFamily(all: MetricSums, report: FamilyReport, process: string, slice: Slice): Promise<void> {
  const { name, help, kind, sets } = report
  const rule = ruleOf(name, kind)
  const into = all.family(name, kind, help, rule)
  if (into === null) return
  for (const { labels, parts } of sets) {
    into.add(rule === 'each' ? { ...labels, worker: process } : labels, parts)
    await slice.rest()
  }
}

/** What the supervisor counts: little, so that it is read at once. */
function ownFamilies(metrics: Metrics): FamilyReport[] {
  return Array.from(metrics.families(), ({ name, help, kind, series }) => ({
    name,
    help,
    kind,
    sets: Array.from(series, (each) => ({ labels: each.labels, parts: [each] })),
  }))
}
