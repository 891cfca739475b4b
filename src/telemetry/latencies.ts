// Durations for whoever reads them: percentiles since the start and of the last while, and interval logs, all by
// hdr-histogram-js.
import { build, type Histogram } from 'hdr-histogram-js'
import { microsOf, type Durations, type Page } from './durations.ts'

/** ms */
export interface LatencyStats {
  readonly count: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly p999: number
  readonly max: number
}

/** Counts of one moment, so that a later moment can be compared with it. */
export type Mark = readonly Page[]

/** Of several: what they have measured together. `since`: only what came after these marks, one for each. */
export function histogramOf(several: readonly Durations[], since: readonly (Mark | null)[] = []): Histogram {
  const histogram = build({
    bitBucketSize: 64,
    autoResize: true,
    numberOfSignificantValueDigits: 2,
    useWebAssembly: false,
  })
  for (const [i, { pages }] of several.entries()) {
    const before = since[i] ?? null
    for (const [at, page] of pages.entries()) {
      if (page === null) continue
      const earlier = before?.[at] ?? null
      for (let cell = 0; cell < page.length; cell++) {
        const count = page[cell]! - (earlier === null ? 0 : earlier[cell]!)
        if (count > 0) histogram.recordValueWithCount(microsOf(at, cell), count)
      }
    }
  }
  return histogram
}

/** null when nothing was recorded. */
export function statsOf(histogram: Histogram): LatencyStats | null {
  if (histogram.totalCount === 0) return null
  const at = (percentile: number): number => histogram.getValueAtPercentile(percentile) / 1000
  return {
    count: histogram.totalCount,
    p50: at(50),
    p90: at(90),
    p99: at(99),
    p999: at(99.9),
    max: histogram.maxValue / 1000,
  }
}

export function mark({ pages }: Durations): Mark {
  return pages.map((page) => page?.slice() ?? null)
}

/** ms after which the marks move on. */
const WINDOW = 10_000

/** Latencies of the last 10 to 20 seconds, as long as somebody asks; of all the time when nobody has for longer. */
export class RecentLatencies {
  readonly #several: readonly Durations[]
  #older: readonly (Mark | null)[]
  #newer: readonly (Mark | null)[]
  #markedAt: number

  constructor(several: readonly Durations[], time: number) {
    this.#several = several
    this.#older = several.map(() => null)
    this.#newer = this.#older
    this.#markedAt = time
  }

  /** `time`: monotonic ms. */
  stats(time: number): LatencyStats | null {
    if (time - this.#markedAt >= WINDOW) {
      this.#older = this.#newer
      this.#newer = this.#several.map(mark)
      this.#markedAt = time
    }
    return statsOf(histogramOf(this.#several, this.#older))
  }
}
