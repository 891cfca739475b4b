// Latencies on their way to another process: the counts that are not zero. Percentiles of several processes cannot be
// made of their percentiles.
import { CELLS, PAGES, type Page } from './durations.ts'
import { statsOf, toHistogram, type LatencyStats } from './latencies.ts'

/** Place and count in turns: a place is page * CELLS + cell, as durations.ts has them. */
export type LatencyCells = readonly number[]

/** null when nothing was counted. */
export function cellsOf(pages: readonly Page[]): LatencyCells | null {
  const cells: number[] = []
  pages.forEach((page, at) =>
    page?.forEach((count, cell) => {
      if (count > 0) cells.push(at * CELLS + cell, count)
    }),
  )
  return cells.length === 0 ? null : cells
}

/** Of all of them together; null when nothing was counted. */
export function statsOfCells(several: readonly (LatencyCells | null)[]): LatencyStats | null {
  const sums: Page[] = []
  for (const cells of several) addCells(sums, cells)
  return sums.length === 0 ? null : statsOf(toHistogram(sums))
}

export function addCells(sums: Page[], cells: LatencyCells | null): void {
  if (cells === null) return
  for (let i = 0; i + 1 < cells.length; i += 2) {
    const place = cells[i]!
    const page = (sums[Math.trunc(place / CELLS)] ??= new Float64Array(CELLS))
    page[place % CELLS] = page[place % CELLS]! + cells[i + 1]!
  }
}

/** Is this what `cellsOf` gives? */
export function areCells(value: unknown): value is LatencyCells | null {
  if (value === null) return true
  if (!Array.isArray(value) || value.length % 2 !== 0 || value.length > 2 * PAGES * CELLS) return false
  return value.every((each, i) => Number.isSafeInteger(each) && each >= 0 && (i % 2 === 1 || each < PAGES * CELLS))
}
