// The source of a YAML node with another value: what has not changed keeps its bytes.
//
//     routes:                  the value of `routes` begins at the first `-`
//       - name: a     # one    an entry: from its `-` to the end of its last line
//       # about b              what stands above an entry goes where it goes
//       - name: b
import { isAlias, isMap, isScalar, isSeq, type Node, type Pair, type YAMLMap, type YAMLSeq } from 'yaml'
import { matchEntries } from './alike.ts'
import { isEqual } from './difference.ts'
import { isRecord } from './document.ts'
import { asBlock, asFlow, asScalar, type Quotes } from './rendered.ts'

type Place = 'block' | 'flow'

/** The whole text, with the value of `root` as it is wanted. */
export function rewritten(text: string, root: Node, present: unknown, wanted: unknown): string {
  const rewriter = new Rewriter(text)
  return text.slice(0, startOf(root)) + rewriter.source(root, present, wanted, 'block') + text.slice(endOf(root))
}

/** An entry of a collection that is there. */
interface Entry {
  /** Offset of its key, or of its `-` */
  readonly start: number
  /** Offset behind its value */
  readonly end: number
  readonly value: Node | null
  readonly present: unknown
  /** Offset behind the value of the entry before it; -1: it is the first */
  readonly previous: number
}

class Rewriter {
  readonly #text: string
  /** JSON all through: what is added is JSON too. */
  readonly #json: boolean

  constructor(text: string) {
    this.#text = text
    this.#json = /^\s*[{[]\s*["\]}{[]/.test(text)
  }

  /** In the place of the bytes from `startOf(node)` to `endOf(node)`. */
  source(node: Node, present: unknown, wanted: unknown, place: Place): string {
    const before = this.#text.slice(startOf(node), endOf(node))
    if (isEqual(present, wanted)) return before
    const after = this.#changed(node, present, wanted, place)
    // Whoever ended a line goes on ending it.
    if (before.endsWith('\n')) return after.endsWith('\n') ? after : `${after}\n`
    return after.endsWith('\n') ? after.slice(0, -1) : after
  }

  #changed(node: Node, present: unknown, wanted: unknown, place: Place): string {
    if (isMap(node) && isRecord(present) && isRecord(wanted)) return this.#map(node, present, wanted)
    if (isSeq(node) && Array.isArray(present) && Array.isArray(wanted))
      return this.#list(node, present as unknown[], wanted as unknown[])
    // An empty value stands right behind the colon.
    const space = startOf(node) === endOf(node) && !isAlias(node) ? ' ' : ''
    if (typeof wanted === 'object' && wanted !== null) {
      const isBlock = place === 'block' && (isMap(node) || isSeq(node)) && node.flow !== true
      return isBlock ? asBlock(wanted, this.#column(startOf(node))) : space + asFlow(wanted, this.#json)
    }
    return space + asScalar(wanted, quotesOf(node), this.#json)
  }

  #map(node: YAMLMap, present: Record<string, unknown>, wanted: Record<string, unknown>): string {
    const entries = new Map<string, Entry>()
    let previous = -1
    for (const pair of node.items as Pair<Node, Node | null>[]) {
      const name = keyOf(pair)
      const span = spanOfPair(pair)
      entries.set(name, { ...span, value: pair.value, present: present[name], previous })
      previous = span.end
    }
    const kept = [...entries].filter(([name]) => Object.hasOwn(wanted, name))
    const added = Object.keys(wanted).filter((name) => !entries.has(name))
    const isSameShape = added.length === 0 && kept.length === entries.size
    if (node.flow === true) {
      const parts = kept.map(([name, entry]) => this.#entry(entry, wanted[name], 'flow'))
      const more = added.map((name) => this.#flowPair(name, wanted[name]))
      return this.#flow(node, [...entries.values()], [...parts, ...more], isSameShape)
    }
    const indent = this.#column(startOf(node))
    const lines = kept.map(([name, entry]) => this.#blockEntry(entry, wanted[name], indent, name))
    return this.#block(
      [...lines, ...added.map((name) => ({ lead: '', body: asBlock({ [name]: wanted[name] }, indent) }))],
      indent,
      '{}',
    )
  }

  #list(node: YAMLSeq, present: readonly unknown[], wanted: readonly unknown[]): string {
    const entries = entriesOf(node, present)
    const from = matchEntries(present, wanted)
    const isSameShape = wanted.length === present.length && from.every((at, i) => at === i)
    if (node.flow === true) {
      const parts = wanted.map((value, i) =>
        from[i]! < 0 ? asFlow(value, this.#json) : this.#entry(entries[from[i]!]!, value, 'flow'),
      )
      return this.#flow(node, entries, parts, isSameShape)
    }
    const indent = this.#column(startOf(node))
    const lines = wanted.map((value, i) =>
      from[i]! < 0
        ? { lead: '', body: asBlock([value], indent) }
        : this.#blockEntry(entries[from[i]!]!, value, indent, null),
    )
    return this.#block(lines, indent, '[]')
  }

  /** Its bytes with the value that is wanted. */
  #entry({ start, end, value, present }: Entry, wanted: unknown, place: Place): string {
    if (value === null) return this.#text.slice(start, end)
    const head = this.#text.slice(start, startOf(value))
    return head + this.source(value, present, wanted, place) + this.#text.slice(endOf(value), end)
  }

  #blockEntry(entry: Entry, wanted: unknown, indent: number, key: string | null): { lead: string; body: string } {
    const { start, value, present, previous } = entry
    // The indentation of its own line is put in again where it is needed.
    const lead = previous < 0 ? '' : this.#text.slice(this.#endOfLine(previous), start).replace(/[^\n]*$/, '')
    if (key !== null && isEmptyCollection(present) && isFilled(wanted) && !isEqual(present, wanted))
      return { lead, body: asBlock({ [key]: wanted }, indent) }
    const body = this.#entry({ ...entry, end: this.#endOfLine(entry.end) }, wanted, 'block')
    return { lead, body: value === null || body.endsWith('\n') ? body : `${body}\n` }
  }

  #block(lines: readonly { lead: string; body: string }[], indent: number, empty: string): string {
    const space = ' '.repeat(indent)
    // The first one stands behind what comes before it in its line: what was above it comes below.
    return lines.length === 0
      ? empty
      : lines.map(({ lead, body }, i) => (i === 0 ? body + lead : lead + space + body)).join('')
  }

  #flow(node: Node, entries: readonly Entry[], parts: readonly string[], isSameShape: boolean): string {
    const [first, last] = [entries[0], entries.at(-1)]
    const text = this.#text
    const [open, close] = text[startOf(node)] === '{' ? ['{', '}'] : ['[', ']']
    if (parts.length === 0) return `${open}${close}`
    if (first === undefined || last === undefined) {
      const pad = this.#json ? '' : ' '
      return `${open}${pad}${parts.join(', ')}${pad}${close}`
    }
    const opening = text.slice(startOf(node), first.start)
    const closing = text.slice(last.end, endOf(node))
    if (isSameShape) {
      const between = entries.map(({ end }, i) => text.slice(end, entries[i + 1]?.start ?? end))
      return opening + parts.map((part, i) => part + between[i]!).join('') + closing
    }
    const comma = opening.includes('\n') ? `,\n${' '.repeat(this.#column(first.start))}` : ', '
    return opening + parts.join(comma) + closing.replace(/^\s*,/, '')
  }

  #flowPair(name: string, value: unknown): string {
    if (this.#json) return `${JSON.stringify(name)}: ${JSON.stringify(value)}`
    return asFlow({ [name]: value }, false)
      .slice(1, -1)
      .trim()
  }

  #column(offset: number): number {
    return offset - (this.#text.lastIndexOf('\n', offset - 1) + 1)
  }

  /** Behind the line in which something ends. */
  #endOfLine(offset: number): number {
    if (offset > 0 && this.#text[offset - 1] === '\n') return offset
    const end = this.#text.indexOf('\n', offset)
    return end < 0 ? this.#text.length : end + 1
  }
}

function startOf(node: Node): number {
  return node.range![0]
}

function endOf(node: Node): number {
  return node.range![1]
}

function keyOf({ key }: Pair<Node, Node | null>): string {
  return String(isScalar(key) ? key.value : key)
}

function spanOfPair({ key, value }: Pair<Node, Node | null>): { start: number; end: number } {
  return { start: startOf(key), end: value === null ? endOf(key) : endOf(value) }
}

function entriesOf(node: YAMLSeq, present: readonly unknown[]): Entry[] {
  const token = node.srcToken
  const dashes =
    token?.type === 'block-seq'
      ? token.items.flatMap(({ start }) => start.filter(({ type }) => type === 'seq-item-ind'))
      : []
  const items = node.items as Node[]
  return items.map((value, i) => {
    const start = dashes[i]?.offset ?? startOf(value)
    const previous = i === 0 ? -1 : endOf(items[i - 1]!)
    return { start, end: endOf(value), value, present: present[i], previous }
  })
}

function quotesOf(node: Node): Quotes {
  if (!isScalar(node)) return 'none'
  return node.type === 'QUOTE_DOUBLE' ? 'double' : node.type === 'QUOTE_SINGLE' ? 'single' : 'none'
}

function isFilled(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length > 0
}

function isEmptyCollection(value: unknown): boolean {
  return value === null || (typeof value === 'object' && Object.keys(value).length === 0)
}
