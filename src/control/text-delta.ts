// What one text, or one set of texts, is against another, so that many versions of a large one can be kept.
import { SortedTexts } from '../base/sorted-texts.ts'
import type { ConfigTexts } from './config-authority.ts'

/** Characters kept at the beginning and the end, and what stands between them. */
interface TextDelta {
  readonly head: number
  readonly tail: number
  readonly middle: string
}

/** By key: what makes one text of another, the whole text, or null for one that goes. Plain data. */
export type TextsDelta = Readonly<Record<string, TextDelta | string | null>>

export function deltaOf(from: ConfigTexts, to: ConfigTexts): TextsDelta {
  const changes: [string, TextDelta | string | null][] = []
  for (const key of keysThatDiffer(from, to)) {
    const [before, after] = [from.get(key), to.get(key)]
    if (after === undefined) changes.push([key, null])
    else changes.push([key, before === undefined ? after : textDelta(before, after)])
  }
  return Object.fromEntries(changes)
}

/** Keys of texts that are new, gone or other ones. Two SortedTexts cost what differs, others all that there is. */
export function keysThatDiffer(from: ConfigTexts, to: ConfigTexts): string[] {
  if (from === to) return []
  if (from instanceof SortedTexts && to instanceof SortedTexts) return [...to.changesSince(from).keys()]
  const gone = [...from.keys()].filter((key) => !to.has(key))
  return [...gone, ...[...to].filter(([key, text]) => from.get(key) !== text).map(([key]) => key)]
}

/** Throws TypeError when the delta does not fit. */
export function applyDelta(from: ConfigTexts, delta: TextsDelta): SortedTexts {
  const changes = Object.entries(delta).map(
    ([key, change]) =>
      [key, change === null || typeof change === 'string' ? change : withDelta(from.get(key), change)] as const,
  )
  // Most of ten thousand texts are as before: they are not copied for each of the versions that a journal has.
  return SortedTexts.from(from).with(new Map(changes))
}

/** Bytes that it takes, roughly. */
export function sizeOfDelta(delta: TextsDelta): number {
  let size = 0
  for (const [key, change] of Object.entries(delta))
    size += key.length + (change === null ? 0 : typeof change === 'string' ? change.length : change.middle.length)
  return size
}

export function sizeOfTexts(texts: ConfigTexts): number {
  let size = 0
  for (const [key, text] of texts) size += key.length + text.length
  return size
}

function textDelta(from: string, to: string): TextDelta {
  const shorter = Math.min(from.length, to.length)
  let head = 0
  while (head < shorter && from.charCodeAt(head) === to.charCodeAt(head)) head++
  let tail = 0
  while (tail < shorter - head && from.charCodeAt(from.length - 1 - tail) === to.charCodeAt(to.length - 1 - tail))
    tail++
  // A slice would keep the whole text alive.
  const middle = Buffer.from(to.slice(head, to.length - tail), 'utf16le').toString('utf16le')
  return { head, tail, middle }
}

function withDelta(from: string | undefined, { head, tail, middle }: TextDelta): string {
  if (from === undefined || from.length < head + tail) throw new TypeError('the change does not fit the text')
  return from.slice(0, head) + middle + from.slice(from.length - tail)
}
