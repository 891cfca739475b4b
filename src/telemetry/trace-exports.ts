// Where traces go: one export per definition, which outlives the snapshots that use it.
import { LiveStates } from '../base/live-states.ts'
import type { Logger } from './logger.ts'
import { SpanCounts, type SpanSink } from './span.ts'
import { SpanExport, type SpanExportSettings } from './span-export.ts'

/** ms that the last spans may take. */
const CLOSE_LIMIT = 2000

export class TraceExports {
  readonly counts = new SpanCounts()
  readonly #log: Logger
  readonly #exports: LiveStates<SpanExport>

  /** `closing` is told of every export that nobody uses any more, until its last spans are sent. */
  constructor(log: Logger, closing: (close: Promise<void>) => void) {
    this.#log = log
    this.#exports = new LiveStates((unused) => closing(unused.close(CLOSE_LIMIT)))
  }

  borrow(settings: SpanExportSettings): { readonly spans: SpanSink; readonly release: () => void } {
    const key = JSON.stringify(settings)
    const spans = this.#exports.acquire(key, () => new SpanExport(settings, this.counts, this.#log))
    return { spans, release: () => this.#exports.release(key) }
  }

  /** Loads what those in use need, which holds up the loop for a moment: better now than when the first span is there. */
  async load(): Promise<void> {
    await Promise.all(this.#exports.values().map((each) => each.load()))
  }

  async close(): Promise<void> {
    await Promise.all(this.#exports.values().map((each) => each.close(CLOSE_LIMIT)))
  }
}
