// What a worker tells its supervisor alone: the same figures as the public resources, in a form that can be added up.
import { Readable } from 'node:stream'
import { intervalsOf, type Interval } from '../telemetry/interval-log.ts'
import { cellsOf } from '../telemetry/latency-cells.ts'
import { json } from './answer.ts'
import { upstreamReports } from './health.ts'
import { measured, readIntervals } from './latencies.ts'
import { metricReport } from './merged/metric-report.ts'
import type { Resource } from './resource.ts'
import { textOfEach } from './slices.ts'

const metrics: Resource = {
  method: 'GET',
  path: '/internal/metrics',
  summary: 'metrics, as lines of JSON',
  access: 'read',
  parameters: [],
  handle: async (_call, state) => ({ type: 'application/x-ndjson', body: await metricReport(state.metrics) }),
}

const stats: Resource = {
  method: 'GET',
  path: '/internal/stats',
  summary: 'figures, with the counts of latencies',
  access: 'read',
  parameters: [],
  handle: async (_call, state) => json(await state.liveStats.mergeable()),
}

const upstreams: Resource = {
  method: 'GET',
  path: '/internal/upstreams',
  summary: 'upstreams, with the counts of latencies',
  access: 'read',
  parameters: [],
  async handle(_call, { upstreams: live, liveStats }) {
    return json({ upstreams: await upstreamReports(live, (durations) => liveStats.cellsOf(durations)) })
  },
}

const latencies: Resource = {
  method: 'GET',
  path: '/internal/latencies',
  summary: 'what came in each interval, as lines of JSON while it goes on',
  access: 'read',
  parameters: ['interval', 'intervals'],
  handle(call, state) {
    const intervals = intervalsOf(() => measured(state), readIntervals(call))
    return { type: 'application/x-ndjson', body: Readable.from(linesOf(intervals)) }
  },
}

/** An empty line at once: the first interval has begun. */
async function* linesOf(intervals: AsyncGenerator<Interval>): AsyncGenerator<string> {
  const first = intervals.next()
  yield '\n'
  for (let { done, value } = await first; done !== true; { done, value } = await intervals.next()) {
    const { start, end, measured: several } = value as Interval
    const texts = await textOfEach(several, ({ tag, pages }) => JSON.stringify([tag, cellsOf(pages)]))
    yield `{"start":${start},"end":${end},"measured":[${texts.join(',')}]}\n`
  }
}

export const INTERNAL_RESOURCES: readonly Resource[] = [metrics, stats, upstreams, latencies]
