// What the admin listener may see of the gateway.
import type { CompiledSnapshot, LiveState } from '../compile/snapshot.ts'
import type { Plugin } from '../contract/plugin.ts'
import type { RoadState } from '../road/state.ts'
import type { Durations } from '../telemetry/durations.ts'
import type { LatencyStats } from '../telemetry/latencies.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Scrapes } from '../telemetry/scrapes.ts'
import type { LiveUpstream } from '../upstreams/upstream.ts'
import type { ControlApi } from './control-api.ts'
import type { SnapshotHistory } from './snapshot-history.ts'
import type { StatsReport } from './stats-report.ts'

export interface AdminState {
  /** The gateway takes requests: configured, listening, not draining. */
  readonly ready: boolean
  readonly log: Logger
  readonly scrapes: Scrapes
  /** The configuration file. */
  readonly file: string
  /** The one that serves. */
  readonly snapshot: CompiledSnapshot
  readonly history: SnapshotHistory
  readonly upstreams: Iterable<LiveUpstream>
  readonly plugins: LiveState['plugins']
  /** The requests that are under way. */
  readonly underWay: RoadState
  /** File of a plugin of the user's own; null for those that come with the gateway. */
  fileOf(plugin: Plugin): string | null
  /** null: nothing can be changed here. */
  readonly control: ControlApi | null
  stats(): Promise<StatsReport>
  /** Of the last 10 to 20 seconds; null when nothing was recorded. */
  latencyOf(durations: Durations): LatencyStats | null
}
