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
interface Mark {
  readonly count: number
  readonly pages: readonly Page[]
}

const BEGINNING: Mark = { count: 0, pages: [] }

/** What several have measured together, µs. */
export function histogramOf(several: Iterable<Durations>): Histogram {
  const sums: Page[] = []
  for (const durations of several) addSince(sums, durations, BEGINNING)
  return toHistogram(sums)
}

/** Adds what came after the mark. Pages are added up first: a histogram takes 130 ns for each cell. */
function addSince(sums: Page[], { pages }: Durations, before: Mark): void {
  for (const [at, page] of pages.entries()) {
    if (page === null) continue
    const earlier = before.pages[at] ?? null
    const sum = (sums[at] ??= new Float64Array(page.length))
    for (let cell = 0; cell < page.length; cell++)
      sum[cell] = sum[cell]! + page[cell]! - (earlier === null ? 0 : earlier[cell]!)
  }
}

/** µs */
export function toHistogram(sums: readonly Page[]): Histogram {
  const histogram = build({
    bitBucketSize: 64,
    autoResize: true,
    numberOfSignificantValueDigits: 2,
    useWebAssembly: false,
  })
  sums.forEach((page, at) =>
    page?.forEach((count, cell) => {
      if (count > 0) histogram.recordValueWithCount(microsOf(at, cell), count)
    }),
  )
  return histogram
}

/** null when nothing was recorded. */
export function statsOf(histogram: Histogram): LatencyStats | null {
  if (histogram.totalCount === 0) return null
  // A percentile is the end of its step, which may lie behind the longest value.
  const at = (percentile: number): number =>
    Math.min(histogram.getValueAtPercentile(percentile), histogram.maxValue) / 1000
  return {
    count: histogram.totalCount,
    p50: at(50),
    p90: at(90),
    p99: at(99),
    p999: at(99.9),
    max: histogram.maxValue / 1000,
  }
}

function mark({ count, pages }: Durations): Mark {
  return { count, pages: pages.map((page) => page?.slice() ?? null) }
}

/** ms after which the marks move on. */
const WINDOW = 10_000

interface Marks {
  older: Mark
  newer: Mark
  /** Monotonic ms. */
  at: number
}

/** Latencies of the last 10 to 20 seconds, of whatever is asked for once in that time; else since it was asked for last. */
export class RecentLatencies {
  readonly #marks = new WeakMap<Durations, Marks>()

  /** Of several together; null when nothing was recorded. `time`: monotonic ms. */
  stats(several: readonly Durations[], time: number): LatencyStats | null {
    const sums = this.sums(several, time)
    return sums.length === 0 ? null : statsOf(toHistogram(sums))
  }

  /** Their counts added up, by page; empty when nothing was recorded. */
  sums(several: readonly Durations[], time: number): readonly Page[] {
    const sums: Page[] = []
    for (const durations of several) {
      const before = this.#before(durations, time)
      if (durations.count !== before.count) addSince(sums, durations, before)
    }
    return sums
  }

  #before(durations: Durations, time: number): Mark {
    const marks = this.#marks.get(durations)
    if (marks === undefined) {
      this.#marks.set(durations, { older: BEGINNING, newer: mark(durations), at: time })
      return BEGINNING
    }
    if (time - marks.at >= WINDOW) {
      marks.older = marks.newer
      marks.newer = mark(durations)
      marks.at = time
    }
    return marks.older
  }
}

/** What came since the last look at each. */
export class LatencyIntervals {
  readonly #marks = new WeakMap<Durations, Mark>()

  /** Starts the first interval of these. */
  begin(durations: Durations): void {
    this.#marks.set(durations, mark(durations))
  }

  /** Counts by page; null when nothing came. */
  next(durations: Durations): readonly Page[] | null {
    const before = this.#marks.get(durations) ?? BEGINNING
    if (durations.count === before.count) return null
    const sums: Page[] = []
    addSince(sums, durations, before)
    this.begin(durations)
    return sums
  }
}
