// Positions in JSON as JSON.stringify writes it: on one line, without a blank. Items that programs write are mostly so, and
// reading them with a YAML parser takes fifty times as long.
import { isRecord, type Path } from './document.ts'

/** undefined when the text is not exactly what JSON.stringify would write: a key that is there twice, a blank. */
export function parseCompactJson(text: string): unknown {
  if (!text.startsWith('{')) return undefined
  try {
    const value: unknown = JSON.parse(text)
    return JSON.stringify(value) === text ? value : undefined
  } catch {
    return undefined
  }
}

/** Offset of what is at `path`, or of its nearest parent. */
export function compactOffset(root: unknown, path: Path, onKey: boolean): number {
  let offset = 0
  let node = root
  for (const [depth, step] of path.entries()) {
    const found = isRecord(node) ? memberOffset(node, String(step)) : elementOffset(node, Number(step))
    if (found === null) return offset
    const value = isRecord(node) ? found + JSON.stringify(String(step)).length + 1 : found
    offset += onKey && depth === path.length - 1 ? found : value
    node = (node as Record<string | number, unknown>)[step]
  }
  return offset
}

function memberOffset(record: Record<string, unknown>, wanted: string): number | null {
  let offset = 1
  for (const [key, value] of Object.entries(record)) {
    if (key === wanted) return offset
    offset += JSON.stringify(key).length + JSON.stringify(value).length + 2
  }
  return null
}

function elementOffset(list: unknown, wanted: number): number | null {
  if (!Array.isArray(list) || !(wanted in list)) return null
  return 1 + list.slice(0, wanted).reduce((sum: number, entry) => sum + JSON.stringify(entry).length + 1, 0)
}
