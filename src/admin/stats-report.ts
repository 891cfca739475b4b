// What `GET /admin/v1/stats` tells: the figures that the dashboard and `sluice top` show. Counters count since the start
// of the process, so that whoever asks twice has the rates; latencies look back for a while.

import type { LatencyStats } from '../telemetry/latencies.ts'

export interface StatsReport extends StatsReportOf<LatencyStats | null> {
  /** Only where several processes serve. */
  readonly workers?: readonly WorkerStats[]
}

/** `L`: latencies of the last 10 to 20 seconds; null without a request in that time. */
export interface StatsReportOf<L> {
  /** Unix ms */
  readonly time: number
  /** ms since the start of the process */
  readonly uptime: number
  readonly version: string
  readonly pid: number
  /** It takes requests: configured, listening, not draining. */
  readonly ready: boolean
  readonly configuration: ConfigurationStats
  readonly requests: TrafficStatsOf<L> & { readonly inFlight: number }
  /** In the order of the configuration; and under the name '' those that match none. */
  readonly routes: readonly (TrafficStatsOf<L> & { readonly name: string })[]
  /** Latencies to the head of the reply. Endpoints and health are in `GET /admin/v1/upstreams`. */
  readonly upstreams: readonly UpstreamStatsOf<L>[]
  readonly connections: { readonly clients: number; readonly upstreams: number }
  readonly process: ProcessStats
  readonly logs: { readonly written: number; readonly dropped: number; readonly sampledOut: number }
  /** null while requests are not traced. */
  readonly spans: { readonly exported: number; readonly dropped: number } | null
}

export interface ConfigurationStats {
  readonly version: number
  /** Unix ms since when it serves */
  readonly since: number
  readonly applied: number
  readonly rejected: number
  /** Why the latest reload was rejected; null when it was not. */
  readonly lastError: { readonly time: number; readonly problems: readonly string[] } | null
}

export type TrafficStats = TrafficStatsOf<LatencyStats | null>

export interface TrafficStatsOf<L> {
  readonly total: number
  /** Replies from 400 to 499; 499 are clients that went away */
  readonly clientErrors: number
  /** Replies from 500 on */
  readonly serverErrors: number
  readonly bytesIn: number
  readonly bytesOut: number
  readonly latency: L
}

export interface UpstreamStatsOf<L> {
  readonly name: string
  readonly inFlight: number
  readonly total: number
  /** Status 500 and above, connect, reset, timeout */
  readonly failures: number
  readonly latency: L
}

export interface ProcessStats {
  /** s of CPU since the start */
  readonly cpu: number
  /** bytes */
  readonly resident: number
  readonly heapUsed: number
  readonly heapTotal: number
  /** Bytes of buffers outside the heap */
  readonly external: number
  /** null where the system does not tell. */
  readonly descriptors: number | null
  /** ms by which the event loop was late, of the last 10 to 20 seconds */
  readonly loopLag: { readonly p50: number; readonly p99: number; readonly max: number }
  /** Since the start; ms */
  readonly gc: { readonly pauses: number; readonly total: number; readonly longest: number }
  readonly exchanges: { readonly active: number; readonly pooled: number }
}

/** One of several processes; null: it has not said yet. */
export interface WorkerStats {
  readonly number: number
  readonly pid: number
  readonly state: 'starting' | 'ready' | 'unresponsive'
  /** How often another process took its place. */
  readonly restarts: number
  /** It did not answer this time; the figures are those that it said last. */
  readonly stale: boolean
  /** Of the configuration that serves in it */
  readonly version: number | null
  readonly requests: number | null
  readonly inFlight: number | null
  readonly cpu: number | null
  readonly resident: number | null
  readonly loopLag: ProcessStats['loopLag'] | null
}
