// Which entries of two lists are the same thing.
import { isRecord } from './document.ts'

/** For each entry of `after` the index in `before` of what it was; -1 for what is new. No index comes twice. */
export function matchEntries(before: readonly unknown[], after: readonly unknown[]): number[] {
  const places = new Map<string, number[]>()
  for (const [i, entry] of before.entries()) {
    const key = identityOf(entry)
    const known = places.get(key)
    if (known === undefined) places.set(key, [i])
    else known.push(i)
  }
  for (const list of places.values()) list.reverse()
  const found = after.map((entry) => places.get(identityOf(entry))?.pop() ?? -1)
  // What is left over in the same place has been changed there.
  const taken = new Set(found)
  for (const [i, at] of found.entries()) {
    if (at >= 0 || i >= before.length || taken.has(i)) continue
    found[i] = i
    taken.add(i)
  }
  return found
}

/** Entries with the same text here cannot be told apart. */
export function identityOf(entry: unknown): string {
  if (isRecord(entry))
    for (const key of ['name', 'url']) if (typeof entry[key] === 'string') return `${key} ${entry[key]}`
  return JSON.stringify(entry) ?? ''
}
