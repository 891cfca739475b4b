// Lists that are asked of all workers at once. Who does not answer is missing in them: that is told.
import { json, type Answer } from '../answer.ts'
import { readFilter, type ExchangeReport } from '../exchanges.ts'
import type { AdminCall } from '../resource.ts'
import type { SnapshotReport } from '../snapshot-history.ts'
import { versionsOf } from '../snapshots.ts'
import type { FleetAdmin } from './fleet.ts'
import { FLAG, matches, NUMBER, TEXT, type Shape } from './shapes.ts'
import { greatest, grouped, sum } from './sums.ts'
import { ask } from './worker-client.ts'

/** Bytes of one list: a thousand requests with the longest paths. */
const MOST_BYTES = 32 * 1024 * 1024

interface Said<T> {
  readonly number: number
  readonly report: T
}

interface ExchangesReply {
  readonly inFlight: number
  readonly complete: boolean
  readonly exchanges: readonly ExchangeReport[]
}

const EXCHANGES: Shape = { inFlight: NUMBER, complete: FLAG, exchanges: [{ id: TEXT, age: NUMBER }] }
const SNAPSHOTS: Shape = {
  snapshots: [{ version: NUMBER, since: NUMBER, routes: NUMBER, pins: NUMBER, retired: FLAG }],
}

/** The oldest first, each with its worker. */
export async function exchangesOfAll({ query }: AdminCall, fleet: FleetAdmin): Promise<Answer> {
  const { limit } = readFilter(query)
  const { said, missing } = await askAll<ExchangesReply>(
    fleet,
    `/admin/v1/exchanges${query.without('worker')}`,
    EXCHANGES,
  )
  const exchanges = said.flatMap(({ number, report }) => report.exchanges.map((each) => ({ ...each, worker: number })))
  return json({
    inFlight: sum(said, ({ report }) => report.inFlight),
    complete: missing.length === 0 && said.every(({ report }) => report.complete),
    missing,
    exchanges: exchanges.toSorted((a, b) => b.age - a.age).slice(0, limit),
  })
}

/** By version, the latest first, with what the control plane knows of them. */
export async function snapshotsOfAll(fleet: FleetAdmin): Promise<Answer> {
  const { said, missing } = await askAll<{ readonly snapshots: readonly SnapshotReport[] }>(
    fleet,
    '/admin/v1/snapshots',
    SNAPSHOTS,
  )
  const all = said.flatMap(({ report }) => report.snapshots)
  const byVersion = grouped(all, ({ version }) => String(version)).values()
  const snapshots = Array.from(byVersion, (several) => ({
    version: several[0]!.version,
    // Since when every worker has it.
    since: greatest(several, ({ since }) => since),
    routes: several[0]!.routes,
    pins: sum(several, ({ pins }) => pins),
    retired: several.every(({ retired }) => retired),
  }))
  const serves = fleet.configuration?.version ?? snapshots.find(({ retired }) => !retired)?.version ?? 0
  return json({ missing, snapshots: versionsOf(snapshots, fleet.control, serves) })
}

/** `missing`: numbers of the workers that have not answered. */
async function askAll<T>(
  fleet: FleetAdmin,
  path: string,
  shape: Shape,
): Promise<{ readonly said: readonly Said<T>[]; readonly missing: readonly number[] }> {
  const workers = [...fleet.workers()].toSorted((a, b) => a.number - b.number)
  const answers = await Promise.all(
    workers.map(async (worker) => {
      if (worker.state !== 'ready') return null
      return ask(worker, path, undefined, MOST_BYTES).catch(() => null)
    }),
  )
  const said: Said<T>[] = []
  const missing: number[] = []
  for (const [i, { number }] of workers.entries()) {
    const report = read(answers[i]!)
    if (matches(report, shape)) said.push({ number, report: report as T })
    else missing.push(number)
  }
  return { said, missing }
}

function read(answer: Buffer | null): unknown {
  if (answer === null) return null
  try {
    return JSON.parse(answer.toString())
  } catch {
    return null
  }
}
