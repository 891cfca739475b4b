// Scrapes that come while one is being answered get the same answer: a storm of them costs what one costs.
import { exposition, loadProm, type ExpositionFormat, type MetricSource } from './exposition.ts'

export class Scrapes {
  readonly #source: () => MetricSource | Promise<MetricSource>
  readonly #running = new Map<ExpositionFormat, Promise<Buffer>>()

  /** Asked anew for each scrape, if it is a function. */
  constructor(source: MetricSource | (() => Promise<MetricSource>)) {
    this.#source = typeof source === 'function' ? source : () => source
  }

  /** Takes some milliseconds, which the first scrape need not take then. */
  prepare(): void {
    loadProm()
  }

  /** The exposition, at most as old as it takes to make one. */
  read(format: ExpositionFormat): Promise<Buffer> {
    let running = this.#running.get(format)
    if (running === undefined) {
      running = this.#text(format)
        .then((text) => Buffer.from(text))
        .finally(() => this.#running.delete(format))
      this.#running.set(format, running)
    }
    return running
  }

  async #text(format: ExpositionFormat): Promise<string> {
    return exposition(await this.#source(), format)
  }
}
