// What became of log entries, by level.
import { LEVELS } from './log-level.ts'

const RESULTS = ['written', 'dropped', 'sampled-out'] as const
type Result = (typeof RESULTS)[number]

export class LogCounts {
  readonly #whole: LogCounts | null
  readonly #cells: Readonly<Record<Result, Float64Array>> = {
    written: new Float64Array(LEVELS.length),
    dropped: new Float64Array(LEVELS.length),
    'sampled-out': new Float64Array(LEVELS.length),
  }

  /** `whole`: counts of all destinations, where these are of one. */
  constructor(whole: LogCounts | null = null) {
    this.#whole = whole
  }

  add(result: Result, level: number): void {
    const cells = this.#cells[result]
    cells[level] = cells[level]! + 1
    this.#whole?.add(result, level)
  }

  of(result: Result, level: number): number {
    return this.#cells[result][level]!
  }

  total(result: Result): number {
    return this.#cells[result].reduce((sum, count) => sum + count, 0)
  }

  /** As `Metrics.collect` wants them. */
  samples(): { labels: { level: string; result: string }; value: number }[] {
    return LEVELS.flatMap((level, i) =>
      RESULTS.map((result) => ({ labels: { level, result }, value: this.#cells[result][i]! })),
    )
  }
}
