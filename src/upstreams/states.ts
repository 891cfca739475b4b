// The live state of upstreams: what outlives snapshots, each part under the key of what defines it.
import { now } from '../base/clock.ts'
import { LiveStates } from '../base/live-states.ts'
import type { TimerWheel } from '../base/timer-wheel.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { RoundRobin } from './balance/round-robin.ts'
import type { Budget } from './budget.ts'
import type { Cluster } from './cluster.ts'
import type { LiveSource } from './live-source.ts'
import type { ActiveCheck } from './health/active-check.ts'
import type { CircuitBreaker } from './health/breaker.ts'
import type { OutlierDetector } from './health/outlier.ts'
import type { OutlierRecord } from './health/outlier-record.ts'
import type { LiveEndpoint } from './live-endpoint.ts'
import type { Watched } from './watched.ts'

export class UpstreamStates {
  readonly wheel: TimerWheel
  /** Monotonic ms, as the wheel has it. */
  readonly clock = now
  /** False: nothing is asked over the network, as the configuration is only looked at. */
  readonly serving: boolean
  readonly endpoints = new LiveStates<LiveEndpoint>((endpoint) => endpoint.transport.close())
  readonly checks = new LiveStates<Watched<ActiveCheck>>(({ value }) => value.close())
  readonly breakers = new LiveStates<Watched<CircuitBreaker>>(({ value }) => value.close())
  readonly detectors = new LiveStates<OutlierDetector>((detector) => detector.close())
  readonly records = new LiveStates<{ readonly watched: Watched<OutlierRecord>; readonly leave: () => void }>(
    (record) => record.leave(),
  )
  readonly clusters = new LiveStates<Cluster>((cluster) => cluster.close())
  readonly sources = new LiveStates<LiveSource>((source) => source.close())
  readonly budgets = new LiveStates<Budget>(() => {})
  readonly splits = new LiveStates<RoundRobin>(() => {})

  readonly log: Logger

  constructor(wheel: TimerWheel, log: Logger, serving: boolean) {
    this.wheel = wheel
    this.log = log
    this.serving = serving
  }
}
