// The valid name that somebody probably meant.

/** Edits (insert, delete, replace, swap of neighbours) that lead from one to the other; optimal string alignment. */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let best = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, beforeLast[j - 2]! + 1)
      row.push(best)
    }
    beforeLast = last
    last = row
  }
  return last[b.length]!
}

/** `; did you mean "x"?`, or '' when nothing is near. */
export function didYouMean(seen: string, known: Iterable<string>): string {
  if (seen.length > 64) return ''
  let nearest = ''
  let distance = Math.max(1, Math.floor(seen.length / 3)) + 1
  for (const name of known) {
    if (Math.abs(name.length - seen.length) >= distance) continue // as many edits at least
    const candidate = editDistance(seen.toLowerCase(), name.toLowerCase())
    if (candidate < distance) [nearest, distance] = [name, candidate]
  }
  return nearest === '' ? '' : `; did you mean "${nearest}"?`
}
