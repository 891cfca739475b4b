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

/** Several that serve together: all of them, or none. */
export function together(...parts: readonly Serving[]): Serving {
  return {
    async prepare(candidate) {
      const prepared: Prepared[] = []
      const discard = async (): Promise<void> => {
        for (const part of prepared.toReversed()) await part.discard()
      }
      try {
        for (const part of parts) prepared.push(await part.prepare(candidate))
      } catch (error) {
        await discard()
        throw error
      }
      // Only a first part that stops meanwhile refuses now: then the others must not serve either.
      const activate = async (): Promise<void> => {
        for (const [i, part] of prepared.entries()) {
          try {
            await part.activate()
          } catch (error) {
            for (const later of prepared.slice(i + 1)) await later.discard()
            throw error
          }
        }
      }
      return { activate, discard }
    },
  }
}
