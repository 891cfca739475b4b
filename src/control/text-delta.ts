// What one text, or one set of texts, is against another, so that many versions of a large one can be kept.
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
  for (const [key, text] of to) {
    const before = from.get(key)
    if (before === undefined) changes.push([key, text])
    else if (before !== text) changes.push([key, textDelta(before, text)])
  }
  for (const key of from.keys()) if (!to.has(key)) changes.push([key, null])
  return Object.fromEntries(changes)
}

/** Throws TypeError when the delta does not fit. */
export function applyDelta(from: ConfigTexts, delta: TextsDelta): ConfigTexts {
  const texts = new Map(from)
  for (const [key, change] of Object.entries(delta)) {
    if (change === null) texts.delete(key)
    else texts.set(key, typeof change === 'string' ? change : withDelta(from.get(key), change))
  }
  return texts
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
