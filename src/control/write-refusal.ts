// A change of the configuration that is not made, and why.
import type { Problem } from '../config/problem.ts'

/**
 * stale: what serves is not what the change was made from; conflict: it is not possible here; invalid: it could not serve;
 * busy, away: it may work later.
 */
export type WriteProblem = 'not-found' | 'stale' | 'conflict' | 'invalid' | 'busy' | 'away'

export class WriteRefusal extends Error {
  readonly kind: WriteProblem
  /** Of an invalid configuration. */
  readonly problems: readonly Problem[]
  /** stale: the latest version there is; others: the one that it was written as all the same, null when it was not. */
  readonly version: number | null

  constructor(kind: WriteProblem, message: string, problems: readonly Problem[] = [], version: number | null = null) {
    super(message)
    this.kind = kind
    this.problems = problems
    this.version = version
  }
}
