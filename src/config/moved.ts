// Which entries of a list stand elsewhere now.

/** Names that both have, without the longest run that has kept its order: the fewest moves that explain the new order. */
export function movedOf(before: readonly string[], after: readonly string[]): string[] {
  const placeBefore = new Map(before.map((name, i) => [name, i]))
  const kept = after.filter((name) => placeBefore.has(name))
  const places = kept.map((name) => placeBefore.get(name)!)
  const inOrder = longestRise(places)
  return kept.filter((_, i) => !inOrder.has(i))
}

/** Indexes of the longest rising subsequence (patience sorting, n log n). */
function longestRise(values: readonly number[]): ReadonlySet<number> {
  /** ends[k]: index of the smallest value that ends a rise of length k + 1 */
  const ends: number[] = []
  const previous: number[] = []
  for (const [i, value] of values.entries()) {
    let low = 0
    let high = ends.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (values[ends[middle]!]! < value) low = middle + 1
      else high = middle
    }
    previous.push(low === 0 ? -1 : ends[low - 1]!)
    ends[low] = i
  }
  const rise = new Set<number>()
  for (let i = ends.at(-1) ?? -1; i >= 0; i = previous[i]!) rise.add(i)
  return rise
}
