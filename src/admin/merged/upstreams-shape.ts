// The form in which a worker tells its upstreams to its supervisor.
import type { LatencyCells } from '../../telemetry/latency-cells.ts'
import type { EndpointReportOf, UpstreamReportOf } from '../../upstreams/report.ts'
import { CELLS, FLAG, NUMBER, orNull, readJson, TEXT, type Shape } from './shapes.ts'

export type Upstream = UpstreamReportOf<LatencyCells | null>
export type Endpoint = EndpointReportOf<LatencyCells | null>

export interface MergeableUpstreams {
  readonly upstreams: readonly Upstream[]
}

const BREAKER_SHAPE = orNull({ state: TEXT, openings: NUMBER, retryAfter: NUMBER })
const SHAPE: Shape = {
  upstreams: [
    {
      name: TEXT,
      inFlight: NUMBER,
      pending: NUMBER,
      panic: FLAG,
      breaker: BREAKER_SHAPE,
      discovery: orNull({ error: orNull(TEXT) }),
      endpoints: [
        {
          url: TEXT,
          zone: TEXT,
          region: TEXT,
          weight: NUMBER,
          share: NUMBER,
          healthy: FLAG,
          warming: FLAG,
          check: orNull({ healthy: FLAG, checks: NUMBER, failures: NUMBER, lastError: TEXT }),
          outlier: orNull({ ejected: FLAG, reason: TEXT, ejections: NUMBER, endsIn: NUMBER }),
          breaker: BREAKER_SHAPE,
          inFlight: NUMBER,
          connections: NUMBER,
          requests: NUMBER,
          failures: NUMBER,
          latency: CELLS,
          p95: orNull(NUMBER),
          reportedLoad: orNull(NUMBER),
        },
      ],
    },
  ],
}

/** Throws when it is no such report. */
export function readUpstreams(bytes: Buffer): MergeableUpstreams {
  return readJson(bytes, SHAPE) as MergeableUpstreams
}
