// What the admin API asks of the process that watches over the workers.
import type { ControlApi } from '../control-api.ts'
import type { ConfigurationStats } from '../stats-report.ts'
import type { Logger } from '../../telemetry/logger.ts'
import type { Metrics } from '../../telemetry/metrics.ts'

/** Where a worker is asked. */
export interface WorkerAdmin {
  /** From 1; a worker that takes the place of another has its number. */
  readonly number: number
  readonly pid: number
  /** Path of the unix socket on which `startWorkerAdmin` listens. */
  readonly socket: string
  readonly state: 'starting' | 'ready' | 'unresponsive'
  /** How often another process took this place. */
  readonly restarts?: number
}

export interface FleetAdmin {
  readonly log: Logger
  /** The gateway is to take requests: configured, and not draining. */
  readonly ready: boolean
  /** What the supervisor itself counts. */
  readonly metrics: Metrics
  /** What the control plane tells of the configuration; null: the workers are asked. */
  readonly configuration: ConfigurationStats | null
  /** null: nothing can be changed here. */
  readonly control: ControlApi | null
  workers(): readonly WorkerAdmin[]
}

/** Does the gateway take requests? One worker is enough. */
export function isReady(fleet: FleetAdmin): boolean {
  return fleet.ready && fleet.workers().some(({ state }) => state === 'ready')
}
