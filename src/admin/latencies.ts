// Latencies of every interval, as a log that tools of HdrHistogram read.
import { Readable } from 'node:stream'
import { UNMATCHED } from '../telemetry/request-metrics.ts'
import { intervalLog, type IntervalLogOptions, type TaggedDurations } from '../telemetry/interval-log.ts'
import { Refusal } from './answer.ts'
import type { AdminCall, Resource } from './resource.ts'
import type { AdminState } from './state.ts'

/** ms. A connection without a byte for longer is cut (sending.ts). */
const SHORTEST = 100
const LONGEST = 20_000

export const latencies: Resource = {
  method: 'GET',
  path: '/admin/v1/latencies',
  summary: 'an interval log of latencies by route and endpoint (HdrHistogram), while it goes on',
  access: 'read',
  parameters: ['interval', 'intervals'],
  atOnce: 4,
  handle(call, state) {
    const lines = intervalLog(() => measured(state), readIntervals(call))
    return { type: 'text/plain; charset=utf-8', body: Readable.from(lines) }
  },
}

/** Throws Refusal. */
export function readIntervals({ query, signal }: AdminCall): IntervalLogOptions {
  const interval = query.duration('interval', 1000)
  if (interval < SHORTEST || interval > LONGEST)
    throw new Refusal(400, `interval: saw ${query.text('interval')}, expected a duration from 100ms to 20s`)
  return { interval, intervals: query.integer('intervals', 1, 100_000, 10), signal }
}

export function* measured({ snapshot, upstreams }: AdminState): Iterable<TaggedDurations> {
  for (const { name, metrics } of [...snapshot.routes, snapshot.unmatched])
    yield { tag: `route=${name === '' ? UNMATCHED : name}`, durations: metrics.durations }
  for (const { name, cluster } of upstreams)
    for (const { url, live } of cluster.members)
      yield { tag: `upstream=${name};endpoint=${url}`, durations: live.durations }
}
