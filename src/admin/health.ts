// Is it alive, does it take requests, and what do its numbers say.
import { EXPOSITION_TYPES, formatFor } from '../telemetry/exposition.ts'
import type { Durations } from '../telemetry/durations.ts'
import type { LiveEndpoint } from '../upstreams/live-endpoint.ts'
import { reportOf, type UpstreamReportOf } from '../upstreams/report.ts'
import type { LiveUpstream } from '../upstreams/upstream.ts'
import { json, Refusal, text } from './answer.ts'
import type { Resource } from './resource.ts'
import { Slice } from '../base/slice.ts'
import type { AdminState } from './state.ts'

export const livez: Resource = {
  method: 'GET',
  path: '/livez',
  summary: 'the process is alive',
  access: 'open',
  parameters: null,
  handle: () => text('ok\n'),
}

export const readyz: Resource = {
  method: 'GET',
  path: '/readyz',
  summary: 'it takes requests; 503 while it starts or drains',
  access: 'open',
  parameters: null,
  handle(_call, state) {
    if (!state.ready) throw new Refusal(503, 'The gateway does not take requests now.')
    return text('ok\n')
  },
}

export const metrics: Resource<Pick<AdminState, 'scrapes'>> = {
  method: 'GET',
  path: '/metrics',
  summary: 'metrics, as Prometheus reads them',
  access: 'read',
  parameters: null,
  async handle({ accept }, state) {
    const format = formatFor(accept)
    return { type: EXPOSITION_TYPES[format], body: await state.scrapes.read(format) }
  },
}

export const stats: Resource = {
  method: 'GET',
  path: '/admin/v1/stats',
  summary: 'requests, errors, latencies, connections, memory',
  access: 'read',
  parameters: [],
  handle: async (_call, state) => json(await state.stats()),
}

export const upstreams: Resource = {
  method: 'GET',
  path: '/admin/v1/upstreams',
  summary: 'endpoints with their share, health, breaker and latency',
  access: 'read',
  parameters: [],
  async handle(_call, state) {
    return json({ upstreams: await upstreamReports(state.upstreams, (durations) => state.latencyOf(durations)) })
  },
}

/** Percentiles of many endpoints take longer than the event loop may be held: they are made in slices. */
export async function upstreamReports<L>(
  upstreams: Iterable<LiveUpstream>,
  latencyOf: (durations: Durations) => L | null,
): Promise<UpstreamReportOf<L | null>[]> {
  const latencies = new Map<LiveEndpoint, L | null>()
  const slice = new Slice()
  const all = [...upstreams]
  for (const { cluster } of all) {
    for (const { live } of cluster.members) {
      if (slice.over) await slice.pause()
      latencies.set(live, latencyOf(live.durations))
    }
  }
  return all.map((upstream) => reportOf(upstream, (live) => latencies.get(live) ?? null))
}
