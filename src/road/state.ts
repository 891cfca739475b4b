// What the stages of the main road share in one worker.
import type { TimerWheel } from '../base/timer-wheel.ts'
import type { Exchange } from '../contract/exchange.ts'
import type { Snapshot } from '../contract/snapshot.ts'
import type { ResponseReceiver } from '../contract/transport.ts'
import type { Progress } from '../contract/verdict.ts'
import type { RequestMetrics } from '../telemetry/request-metrics.ts'
import type { Logger } from '../telemetry/logger.ts'

export interface RoadState {
  /** What new requests pin. Replaced as a whole by the control road. */
  current: Snapshot
  /** Requests between head and last byte. */
  inFlight: number
  /** The latest of them; the others hang on it by `older`. */
  newest: Exchange | null
  /** What is counted of requests. */
  readonly requests: RequestMetrics
  /** The other end of that list: whoever looks for what takes long begins here. */
  oldest: Exchange | null
  readonly wheel: TimerWheel
  readonly log: Logger
  /** Where transports report to: the road itself. */
  readonly receiver: ResponseReceiver
}

export type Stage = (x: Exchange, state: RoadState) => Progress
