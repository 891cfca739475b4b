// What the control plane asks of those who serve: this process, or all workers together.
import type { Validated } from './publish.ts'

/** A valid configuration on its way to serve. */
export interface Candidate {
  readonly validated: Validated
  readonly version: number
  /** Why the configuration was looked at again; for the log. */
  readonly why: string
}

export interface Serving {
  /**
   * Compiles it, starts its plugins, opens its listeners; what serves has not changed. Rejects with InvalidConfiguration,
   * or with what an address said.
   */
  prepare(candidate: Candidate): Promise<Prepared>
}

export interface Prepared {
  /** New requests get it from now on, everywhere. */
  activate(): Promise<void>
  /** It never serves; all that was taken for it is given back. */
  discard(): Promise<void>
}
