// What differs between two values: each place with what it was and what it is.
import { isRecord, type Path } from './document.ts'

export interface ValueChange {
  /** Within the item. */
  readonly path: Path
  /** Absent: there was nothing. */
  readonly before?: unknown
  /** Absent: there is nothing any more. */
  readonly after?: unknown
}

/** A value beside the form in which it may be shown. */
export interface Shown {
  readonly raw: unknown
  readonly shown: unknown
}

/** Own keys in any order; what JSON and YAML can hold. */
export function isEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((entry, i) => isEqual(entry, b[i]))
  }
  if (!isRecord(a) || !isRecord(b)) return false
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && isEqual(a[key], b[key]))
}

/** Compared raw, told as it may be shown: a secret that changed is told without its value. */
export function differences(before: Shown, after: Shown, path: Path = []): ValueChange[] {
  if (isSame(before, after)) return []
  if (isRecord(before.shown) && isRecord(after.shown) && isRecord(before.raw) && isRecord(after.raw))
    return ofRecords(before, after, path)
  if (Array.isArray(before.shown) && Array.isArray(after.shown)) return ofLists(before, after, path)
  return [{ path, before: before.shown, after: after.shown }]
}

/** What is shown alike and was concealed before we got it is taken as the same: nobody can tell. */
function isSame(before: Shown, after: Shown): boolean {
  if (isEqual(before.raw, after.raw)) return true
  if (!isEqual(before.shown, after.shown)) return false
  return isEqual(before.raw, before.shown) || isEqual(after.raw, after.shown)
}

function ofRecords(before: Shown, after: Shown, path: Path): ValueChange[] {
  const [was, is] = [keysOf(before), keysOf(after)]
  const changes: ValueChange[] = []
  for (const key of new Set([...was, ...is])) {
    const at = [...path, key]
    if (!is.has(key)) changes.push({ path: at, before: member(before, key).shown })
    else if (was.has(key)) changes.push(...differences(member(before, key), member(after, key), at))
    else changes.push({ path: at, after: member(after, key).shown })
  }
  return changes
}

/** Equal entries at both ends are left out; those between are told one by one if they are as many, else as gone and new. */
function ofLists(before: Shown, after: Shown, path: Path): ValueChange[] {
  const [was, is] = [lengthOf(before), lengthOf(after)]
  const shorter = Math.min(was, is)
  let head = 0
  while (head < shorter && isSame(member(before, head), member(after, head))) head++
  let tail = 0
  while (tail < shorter - head && isSame(member(before, was - 1 - tail), member(after, is - 1 - tail))) tail++
  const changes: ValueChange[] = []
  if (was === is) {
    for (let i = head; i < was - tail; i++)
      changes.push(...differences(member(before, i), member(after, i), [...path, i]))
    return changes
  }
  for (let i = head; i < was - tail; i++) changes.push({ path: [...path, i], before: member(before, i).shown })
  for (let i = head; i < is - tail; i++) changes.push({ path: [...path, i], after: member(after, i).shown })
  return changes
}

function keysOf({ raw }: Shown): ReadonlySet<string> {
  return new Set(Object.keys(raw as object))
}

function lengthOf({ raw }: Shown): number {
  return (raw as unknown[]).length
}

function member({ raw, shown }: Shown, key: string | number): Shown {
  return { raw: (raw as never)[key], shown: (shown as never)[key] }
}
