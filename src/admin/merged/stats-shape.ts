// The form in which a worker tells its figures to its supervisor.
import type { LatencyCells } from '../../telemetry/latency-cells.ts'
import type { StatsReportOf } from '../stats-report.ts'
import { CELLS, FLAG, NUMBER, orNull, readJson, TEXT, type Shape } from './shapes.ts'

export type MergeableStats = StatsReportOf<LatencyCells | null>

const TRAFFIC_SHAPE = {
  total: NUMBER,
  clientErrors: NUMBER,
  serverErrors: NUMBER,
  bytesIn: NUMBER,
  bytesOut: NUMBER,
  latency: CELLS,
}
const ERROR_SHAPE = orNull({ time: NUMBER, problems: [TEXT] })
const SHAPE: Shape = {
  ready: FLAG,
  configuration: { version: NUMBER, since: NUMBER, applied: NUMBER, rejected: NUMBER, lastError: ERROR_SHAPE },
  requests: { ...TRAFFIC_SHAPE, inFlight: NUMBER },
  routes: [{ ...TRAFFIC_SHAPE, name: TEXT }],
  upstreams: [{ name: TEXT, inFlight: NUMBER, total: NUMBER, failures: NUMBER, latency: CELLS }],
  connections: { clients: NUMBER, upstreams: NUMBER },
  process: {
    cpu: NUMBER,
    resident: NUMBER,
    heapUsed: NUMBER,
    heapTotal: NUMBER,
    external: NUMBER,
    descriptors: orNull(NUMBER),
    loopLag: { p50: NUMBER, p99: NUMBER, max: NUMBER },
    gc: { pauses: NUMBER, total: NUMBER, longest: NUMBER },
    exchanges: { active: NUMBER, pooled: NUMBER },
  },
  logs: { written: NUMBER, dropped: NUMBER, sampledOut: NUMBER },
  spans: orNull({ exported: NUMBER, dropped: NUMBER }),
}

/** Throws when it is no such report. */
export function readStats(bytes: Buffer): MergeableStats {
  return readJson(bytes, SHAPE) as MergeableStats
}
