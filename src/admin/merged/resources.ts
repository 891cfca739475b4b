// The admin API of a gateway with several workers: what concerns a process that serves is asked of them; what concerns
// the control plane is answered here, by whoever keeps it.
//
//   any worker     routes, config, plugins, explain: all of them serve the same
//   each worker    metrics, stats, upstreams, exchanges, snapshots, latencies: what they say is added up
//   one worker     debug: the first one, or `?worker=N`
//   supervisor     livez, readyz, workers, and every resource with `scope: 'control'`
import { Readable } from 'node:stream'
import { logOf } from '../../telemetry/interval-log.ts'
import { Scrapes } from '../../telemetry/scrapes.ts'
import { json, Refusal, text } from '../answer.ts'
import { configuration } from '../configuration.ts'
import { exchanges } from '../exchanges.ts'
import { livez, metrics, readyz, stats, upstreams } from '../health.ts'
import { latencies, readIntervals } from '../latencies.ts'
import { audit, drain, fleet } from '../operations.ts'
import { plugins } from '../plugins.ts'
import { allocations, cpu, heap } from '../profiles.ts'
import type { Resource } from '../resource.ts'
import { ResourceTable } from '../resources.ts'
import { explain, routes } from '../routes.ts'
import { snapshot, snapshots } from '../snapshots.ts'
import type { AdminState } from '../state.ts'
import { workers } from '../workers.ts'
import { activateSnapshot, deleteRoute, patchRoute, putConfig, putRoute, validateConfig } from '../writes.ts'
import { isReady, type FleetAdmin } from './fleet.ts'
import { MergedIntervals } from './latencies.ts'
import { exchangesOfAll, snapshotsOfAll } from './lists.ts'
import { MergedMetrics } from './metrics.ts'
import { fromAllOrOne, fromAny, fromOne } from './passing-on.ts'
import { MergedStats } from './stats.ts'
import { MergedUpstreams } from './upstreams.ts'

export class MergedState<F extends FleetAdmin = FleetAdmin> {
  readonly fleet: F
  readonly metrics: MergedMetrics
  readonly scrapes: Scrapes
  readonly stats: MergedStats
  readonly upstreams: MergedUpstreams

  get log(): FleetAdmin['log'] {
    return this.fleet.log
  }

  get control(): FleetAdmin['control'] {
    return this.fleet.control
  }

  constructor(fleet: F) {
    this.fleet = fleet
    this.metrics = new MergedMetrics(fleet)
    this.scrapes = new Scrapes(() => this.metrics.read())
    this.stats = new MergedStats(fleet)
    this.upstreams = new MergedUpstreams(fleet)
  }
}

const ready: Resource<MergedState> = {
  ...readyz,
  summary: 'a worker takes requests; 503 while none does, and while the gateway starts or drains',
  handle(_call, { fleet }) {
    if (isReady(fleet)) return text('ok\n')
    throw new Refusal(503, fleet.ready ? 'No worker is ready.' : 'The gateway does not take requests now.')
  },
}

const OF_WORKERS: readonly Resource<MergedState>[] = [
  { ...livez, handle: () => text('ok\n') },
  ready,
  metrics,
  { ...workers, handle: async (_call, state) => json({ workers: (await state.stats.report()).workers }) },
  fromAllOrOne(stats, async (_call, state) => json(await state.stats.report())),
  fromAny(configuration),
  fromAllOrOne(snapshots, (_call, { fleet }) => snapshotsOfAll(fleet)),
  fromAny(routes),
  fromAllOrOne(upstreams, async (_call, state) => json({ upstreams: await state.upstreams.report() })),
  fromAny(plugins),
  fromAny(explain),
  fromAllOrOne(exchanges, (call, { fleet }) => exchangesOfAll(call, fleet)),
  fromAllOrOne(latencies, async (call, { fleet }) => {
    const intervals = new MergedIntervals(fleet, readIntervals(call))
    await intervals.join()
    return { type: 'text/plain; charset=utf-8', body: Readable.from(logOf(intervals.read())) }
  }),
  fromOne(cpu),
  fromOne(heap),
  fromOne(allocations),
]

/** What is changed, and kept, by the control plane. */
const OF_CONTROL: readonly Resource<Pick<AdminState, 'control' | 'log'>>[] = [
  audit,
  fleet,
  drain,
  putConfig,
  validateConfig,
  snapshot,
  activateSnapshot,
  patchRoute,
  putRoute,
  deleteRoute,
]

/** `control`: what the supervisor answers itself, of what it is. One that is here too takes its place. */
export function mergedResources<F extends FleetAdmin>(control: readonly Resource<F>[]): ResourceTable<MergedState<F>> {
  const own = control.map((resource) => ({
    ...resource,
    handle: (...[call, { fleet }]: Parameters<Resource<MergedState<F>>['handle']>) => resource.handle(call, fleet),
  }))
  const isOwn = ({ method, path }: Resource<MergedState>): boolean =>
    control.some((each) => each.method === method && each.path === path)
  return new ResourceTable<MergedState<F>>([...OF_CONTROL, ...OF_WORKERS.filter((each) => !isOwn(each)), ...own])
}
