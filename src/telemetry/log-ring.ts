// Encoded log lines on their way to a destination, bounded in number and bytes. When the destination is slower than what
// is logged, the least important lines go first: debug may fill half of the ring and info seven eighths; what comes
// above that displaces the oldest lines of lower levels. Errors are lost only when the ring holds nothing but errors.
import type { LogCounts } from './log-counts.ts'
import { LEVELS } from './log-level.ts'
import { LineQueue } from './line-queue.ts'

export interface LogBounds {
  readonly entries: number
  readonly bytes: number
}

export const DEFAULT_BOUNDS: LogBounds = { entries: 64 * 1024, bytes: 16 * 1024 * 1024 }

/** Part of the ring that lines of each level, and of those below it, may fill. */
const FILL = [1 / 2, 7 / 8, 1, 1]

/** Lines that leave together, in the order in which they came. */
export interface LogBatch {
  readonly lines: readonly string[]
  /** Level of each line. */
  readonly levels: Uint8Array
}

export class LogRing {
  bounds: LogBounds
  /** Of all lines. */
  size = 0
  bytes = 0
  readonly #queues = LEVELS.map(() => new LineQueue())
  readonly #counts: LogCounts
  #order = 0

  constructor(bounds: LogBounds, counts: LogCounts) {
    this.bounds = bounds
    this.#counts = counts
  }

  /** False: there was no room for the line, and it is counted as dropped. */
  push(level: number, line: string): boolean {
    const bytes = Buffer.byteLength(line)
    if (!this.#fits(level, bytes) && !this.#displace(level, bytes)) {
      this.#counts.add('dropped', level)
      return false
    }
    this.#queues[level]!.push(line, bytes, this.#order++)
    this.size++
    this.bytes += bytes
    return true
  }

  /** The oldest lines, at most so many and about so many bytes, but one if there is one. */
  take(entries: number, bytes: number): LogBatch {
    const lines: string[] = []
    const levels = new Uint8Array(Math.min(entries, this.size))
    const end = this.bytes - bytes
    while (lines.length < levels.length && (lines.length === 0 || this.bytes > end)) {
      const level = this.#oldest()
      levels[lines.length] = level
      lines.push(this.#shift(level))
    }
    return { lines, levels }
  }

  #fits(level: number, bytes: number): boolean {
    const fill = FILL[level]!
    return this.size < this.bounds.entries * fill && this.bytes + bytes <= this.bounds.bytes * fill
  }

  /** Makes room at the cost of lower levels, the lowest first. False, and nothing is lost, if that is not enough. */
  #displace(level: number, bytes: number): boolean {
    let entriesBelow = 0
    let bytesBelow = 0
    for (let lower = 0; lower < level; lower++) {
      entriesBelow += this.#queues[lower]!.size
      bytesBelow += this.#queues[lower]!.bytes
    }
    const fill = FILL[level]!
    if (this.size - entriesBelow >= this.bounds.entries * fill) return false
    if (this.bytes - bytesBelow + bytes > this.bounds.bytes * fill) return false
    for (let lower = 0; !this.#fits(level, bytes);) {
      if (this.#queues[lower]!.size === 0) lower++
      else {
        this.#shift(lower)
        this.#counts.add('dropped', lower)
      }
    }
    return true
  }

  #shift(level: number): string {
    const queue = this.#queues[level]!
    this.size--
    this.bytes -= queue.firstBytes
    return queue.shift()
  }

  #oldest(): number {
    let found = 0
    for (let level = 1; level < this.#queues.length; level++)
      if (this.#queues[level]!.firstOrder < this.#queues[found]!.firstOrder) found = level
    return found
  }
}
