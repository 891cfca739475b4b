// A limit whose counts are in this process.
import type { Limit, LimitRule } from '../contract/limits.ts'
import { compileAlgorithm, type Decision, type LimitAlgorithm } from './algorithms.ts'
import { HotKeys } from './hot-keys.ts'
import type { LimitTable } from './table.ts'

export class LocalLimit implements Limit, Decision {
  remaining = 0
  resetAfter = 0
  retryAfter = 0
  delay = 0
  readonly undecided = null
  readonly unavailable = false
  readonly bound = 0
  readonly #algorithm: LimitAlgorithm
  readonly #table: LimitTable
  readonly #clock: () => number
  readonly #hot = new HotKeys()
  readonly #release: () => void

  /** `clock`: monotonic ms, never 0. */
  constructor(rule: LimitRule, table: LimitTable, clock: () => number, release: () => void) {
    this.#algorithm = compileAlgorithm(rule)
    this.#table = table
    this.#clock = clock
    this.#release = release
  }

  take(key: string, dry: boolean): boolean {
    const now = this.#clock()
    const at = this.#table.find(key, now)
    const admitted = this.#algorithm.take(this.#table.states, at, now, dry, this)
    if (!admitted) this.#hot.add(key)
    return admitted
  }

  start(): Promise<void> {
    return Promise.resolve()
  }

  hottest(): readonly { readonly key: string; readonly refused: number }[] {
    return this.#hot.list()
  }

  close(): void {
    this.#release()
  }
}
