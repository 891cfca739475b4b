// Scrapes that come while one is being answered get the same answer: a storm of them costs what one costs.
import { exposition, loadProm, type ExpositionFormat } from './exposition.ts'
import type { Metrics } from './metrics.ts'

export class Scrapes {
  readonly #metrics: Metrics
  readonly #running = new Map<ExpositionFormat, Promise<Buffer>>()

  constructor(metrics: Metrics) {
    this.#metrics = metrics
  }

  /** Takes some milliseconds, which the first scrape need not take then. */
  prepare(): void {
    loadProm()
  }

  /** The exposition, at most as old as it takes to make one. */
  read(format: ExpositionFormat): Promise<Buffer> {
    let running = this.#running.get(format)
    if (running === undefined) {
      running = exposition(this.#metrics, format)
        .then((text) => Buffer.from(text))
        .finally(() => this.#running.delete(format))
      this.#running.set(format, running)
    }
    return running
  }
}
