// What the admin listener may do to the configuration and the process.
import type { Plugin } from '../contract/plugin.ts'
import type { ControlPlane } from '../control/control-plane.ts'
import type { ConfigHistory } from '../control/history.ts'
import type { AuditLog } from '../control/audit.ts'
import type { FleetMember } from '../control/fleet.ts'
import type { ConfigWriter } from '../control/writer.ts'

export interface FleetReport {
  /** The name of this one; '' when it is in none. */
  readonly instance: string
  readonly members: readonly FleetMember[]
}

export interface ControlApi {
  /** Of the configuration that serves, by name. */
  plugins(): ReadonlyMap<string, Plugin>
  readonly writer: ConfigWriter
  readonly history: ConfigHistory
  readonly audit: AuditLog
  /** As SIGTERM: readiness off, listeners closed, requests in flight finish, then the process ends. Returns at once. */
  drain(): void
  /** Rejects when the store cannot be asked. */
  fleet(): Promise<FleetReport>
}

/** What the admin listener may do, once the first configuration serves. */
export function controlApi(control: ControlPlane): ControlApi {
  return {
    ...control.records!,
    plugins: () => control.served.validated.plugins,
    // The end of a process has one way, whoever asks for it.
    drain: () => process.kill(process.pid, 'SIGTERM'),
    fleet: () => control.fleet(),
  }
}
