// What the admin listener may do to the configuration and the process.
import type { ConfigHistory } from '../control/history.ts'
import type { AuditLog } from '../control/audit.ts'
import type { ConfigWriter } from '../control/writer.ts'

/** One gateway of a fleet, as it has told of itself; null where it has not, or its lease has run out. */
export interface FleetMember {
  readonly instance: string
  /** Which version serves there, and what was refused. */
  readonly status: unknown
  /** Region, zone, version of the software, addresses. */
  readonly about: unknown
}

export interface FleetReport {
  /** The name of this one. */
  readonly instance: string
  readonly members: readonly FleetMember[]
}

export interface ControlApi {
  readonly writer: ConfigWriter
  readonly history: ConfigHistory
  readonly audit: AuditLog
  /** As SIGTERM: readiness off, listeners closed, requests in flight finish, then the process ends. Returns at once. */
  drain(): void
  /** Rejects when the store cannot be asked. */
  fleet(): Promise<FleetReport>
}
