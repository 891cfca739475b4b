// The interval log of all workers: what each of them has measured in an interval, added up.
import { setTimeout as pause } from 'node:timers/promises'
import type { Page } from '../../telemetry/durations.ts'
import type { Interval, IntervalLogOptions } from '../../telemetry/interval-log.ts'
import { addCells } from '../../telemetry/latency-cells.ts'
import { Slice } from '../../base/slice.ts'
import type { FleetAdmin } from './fleet.ts'
import { LatencyStream, type WorkerInterval } from './latency-stream.ts'

/** ms that the others wait for a worker after the end of an interval; what comes later counts in the next one. */
const GRACE = 1000

export class MergedIntervals {
  readonly #fleet: FleetAdmin
  readonly #options: IntervalLogOptions
  /** By process: one that has ended is not asked again. */
  readonly #streams = new Map<number, LatencyStream>()
  #left: number

  constructor(fleet: FleetAdmin, options: IntervalLogOptions) {
    this.#fleet = fleet
    this.#options = options
    this.#left = options.intervals
  }

  /** Asks the workers that are not asked yet. Resolves when they have begun to measure. Never rejects. */
  async join(): Promise<void> {
    const { interval, signal } = this.#options
    const opening: Promise<void>[] = []
    for (const worker of this.#fleet.workers()) {
      if (worker.state !== 'ready' || this.#streams.has(worker.pid)) continue
      const stream = new LatencyStream(worker)
      this.#streams.set(worker.pid, stream)
      opening.push(stream.open(`?interval=${interval}ms&intervals=${this.#left}`, signal))
    }
    await Promise.all(opening)
  }

  async *read(): AsyncGenerator<Interval> {
    const { interval, intervals, signal } = this.#options
    try {
      for (; this.#left > 0; this.#left--) {
        if (this.#left < intervals) void this.join()
        const said = await this.#next()
        if (signal.aborted) return
        yield await addUp(said, interval)
      }
    } finally {
      for (const stream of this.#streams.values()) stream.close()
    }
  }

  /** Waits for all workers, but for none much longer than an interval. */
  async #next(): Promise<WorkerInterval[]> {
    const { interval, signal } = this.#options
    const streams = [...this.#streams.values()].filter(({ ended }) => !ended)
    const enough = new AbortController()
    const anySignal = AbortSignal.any([signal, enough.signal])
    const all = Promise.all(streams.map((stream) => stream.next()))
    const limit = streams.length === 0 ? interval : interval + GRACE
    const late = pause(limit, undefined, { signal: anySignal }).catch(() => {})
    await (streams.length === 0 ? late : Promise.race([all, late]))
    enough.abort()
    return streams.flatMap((stream) => stream.take() ?? [])
  }
}

async function addUp(said: readonly WorkerInterval[], interval: number): Promise<Interval> {
  const sums = new Map<string, Page[]>()
  const slice = new Slice()
  for (const [tag, cells] of said.flatMap(({ measured }) => measured)) {
    let pages = sums.get(tag)
    if (pages === undefined) sums.set(tag, (pages = []))
    addCells(pages, cells)
    await slice.rest()
  }
  const now = Date.now()
  return {
    start: said.reduce((first, { start }) => Math.min(first, start), now - (said.length === 0 ? interval : 0)),
    end: said.reduce((last, { end }) => Math.max(last, end), said.length === 0 ? now : 0),
    measured: Array.from(sums, ([tag, pages]) => ({ tag, pages })),
  }
}
