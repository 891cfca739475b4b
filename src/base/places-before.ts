// Which entries of a list were in an earlier one, and where: by identity, in time proportional to both.

/** For each entry of `after` its index in `before`, or -1. No index is given twice. */
export function placesBefore<T>(before: readonly T[], after: readonly T[]): Int32Array {
  const places = new Int32Array(after.length).fill(-1)
  const common = Math.min(before.length, after.length)
  let start = 0
  while (start < common && before[start] === after[start]) places[start] = start++
  let tail = 0
  while (tail < common - start && before[before.length - 1 - tail] === after[after.length - 1 - tail]) {
    tail++
    places[after.length - tail] = before.length - tail
  }
  const left = new Map<T, number>()
  for (let i = start; i < before.length - tail; i++) left.set(before[i]!, i)
  for (let i = start; i < after.length - tail; i++) {
    const place = left.get(after[i]!)
    if (place === undefined) continue
    places[i] = place
    left.delete(after[i]!)
  }
  return places
}
