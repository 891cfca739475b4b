// Who has done what to the configuration and the process, and what came of it: one line each, on disk and in the log.
import type { Logger } from '../telemetry/logger.ts'

/** Who asks. */
export interface Actor {
  /** The user as the client tells it, or `admin`. */
  readonly author: string
  /** Address of the peer; `unix` for a socket. */
  readonly peer: string
  /** `token`, or `loopback` where there is none. */
  readonly by: string
}

export interface AuditEntry {
  /** Unix ms */
  readonly time: number
  readonly actor: Actor
  /** `replace`, `route.patch`, `activate`, `drain`... */
  readonly action: string
  /** What it is done to: a route, a version; '' for all. */
  readonly target: string
  /** begun: it is about to be done; refused: it was not */
  readonly result: 'begun' | 'done' | 'refused'
  /** The version before, and the one that it became; null where there is none. */
  readonly from: number | null
  readonly to: number | null
  readonly message: string
  /** Why it was refused; '' if it was not. */
  readonly reason: string
}

export class AuditLog {
  readonly log: Logger
  constructor(log: Logger) {
    this.log = log
  }
}
