// How long things took: counts by microseconds in steps of at most 1 %, as HdrHistogram lays them out (Tene,
// http://hdrhistogram.org), with two significant digits. Written on the main road: an index from a few bits and one cell
// of a typed array; hdr-histogram-js, which takes 130 ns per value, is for whoever reads (latencies.ts).
//
//   µs          0 .. 127   128 .. 255   256 .. 511   512 .. 1023  ...  2^30 .. 2^31-1 (36 minutes)
//   page        0          1            2            3                 24
//   step        1          1            2            4                 2^23
//
// A page of 128 cells is made when the first value falls into it; few are ever needed.

export const CELLS = 128
export const PAGES = 25
const LONGEST = 0x7fff_ffff

/** Counts of one page by step; null: none fell into it. */
export type Page = Float64Array | null

export class Durations {
  readonly pages: Page[] = Array.from({ length: PAGES }, () => null)
  /** [count, sum in µs] */
  readonly #totals = new Float64Array(2)

  /** `duration`: ms; what is below 0 counts as 0. */
  record(duration: number): void {
    const exact = duration * 1000
    const micros = exact >= LONGEST ? LONGEST : exact > 0 ? exact | 0 : 0
    const step = micros < 2 * CELLS ? 0 : 24 - Math.clz32(micros)
    const place = micros >> step
    const at = step + (place >> 7)
    const page = this.pages[at] ?? this.#open(at)
    page[place & 127] = page[place & 127]! + 1
    const totals = this.#totals
    totals[0] = totals[0]! + 1
    totals[1] = totals[1]! + (exact > 0 ? exact : 0)
  }

  get count(): number {
    return this.#totals[0]!
  }

  /** s */
  get sum(): number {
    return this.#totals[1]! / 1e6
  }

  #open(at: number): Float64Array {
    const page = new Float64Array(CELLS)
    this.pages[at] = page
    return page
  }
}

/** The middle of the values that cell `cell` of page `page` stands for, in whole µs. */
export function microsOf(page: number, cell: number): number {
  if (page <= 1) return page * CELLS + cell
  const step = page - 1
  return (CELLS + cell) * 2 ** step + 2 ** (step - 1)
}

/** Upper bounds of the buckets of histograms, s. */
export const BOUNDS: readonly number[] = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
]

/** Of the bucket that a duration (s) falls into. */
export function bucketOf(seconds: number): number {
  const at = BOUNDS.findIndex((bound) => seconds <= bound)
  return at < 0 ? BOUNDS.length : at
}

/** Adds to `sums` how many durations are in each bucket and those before it; the last one has no bound. */
export function addCumulative(pages: readonly Page[], sums: Float64Array): void {
  let count = 0
  let next = 0
  for (const [at, page] of pages.entries()) {
    if (page === null) continue
    for (let cell = 0; cell < CELLS; cell++) {
      const here = page[cell]!
      if (here === 0) continue
      const seconds = microsOf(at, cell) / 1e6
      for (; next < BOUNDS.length && seconds > BOUNDS[next]!; next++) sums[next] = sums[next]! + count
      count += here
    }
  }
  for (; next <= BOUNDS.length; next++) sums[next] = sums[next]! + count
}
