// A configuration file as the items that gateways share: each with the text that it has in the file, comments and all.
import {
  LineCounter,
  isMap,
  isScalar,
  isSeq,
  parse,
  parseDocument,
  stringify,
  type Document,
  type Node,
  type Pair,
} from 'yaml'
import { isEqual } from '../../config/difference.ts'
import { isRecord } from '../../config/document.ts'
import type { Problem } from '../../config/problem.ts'
import { writtenValue } from './file-changes.ts'
import type { ConfigText } from './target.ts'

/** What stays with each gateway. */
const SHARED_KEYS = new Set(['routes', 'upstreams', 'paths', 'plugins'])
/** The format's own: every file has them, and they say nothing. */
const FORMAT_KEYS = new Set(['$schema', 'version'])

const VARIABLE =
  'what gateways share cannot read the environment: write the value, or $${ for the characters themselves'

export interface SharedFile {
  /** `routes/NAME`, `upstreams/NAME`, `paths`, `plugins` -> its text. */
  readonly items: ReadonlyMap<string, string>
  /** Top keys of the file that no item is made of. */
  readonly rest: readonly string[]
  /** Shared items do not read the environment of a gateway. */
  readonly problems: readonly Problem[]
}

/** Throws TargetFailure when it is no YAML. A route without a name is nobody's item: validation tells of it. */
export function readSharedFile(config: ConfigText): SharedFile {
  const { file, text } = config
  writtenValue(config)
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  const items = new Map<string, string>()
  const rest: string[] = []
  const problems: Problem[] = []
  const add: Add = (key, value, above) => {
    if (!isNode(value)) return
    items.set(key, above + itemText(value, document, text))
    const offset = variableIn(value, document, text)
    if (offset < 0) return
    const { line, col } = lines.linePos(offset)
    problems.push({ file, line, column: col, key, message: VARIABLE })
  }
  for (const pair of isMap(document.contents) ? document.contents.items : []) {
    const key = nameOf(pair)
    if (key === 'routes') addRoutes(pair.value, document, text, add)
    else if (key === 'upstreams') addMembers(pair.value, text, add)
    else if (SHARED_KEYS.has(key)) add(key, pair.value, commentsOf(pair, text))
    else if (!FORMAT_KEYS.has(key)) rest.push(key)
  }
  return { items, rest, problems }
}

type Add = (key: string, value: unknown, above: string) => void

function addRoutes(routes: unknown, document: Document, text: string, add: Add): void {
  if (!isSeq(routes)) return
  for (const route of routes.items) {
    if (!isNode(route)) continue
    const value: unknown = route.toJS(document)
    const name = isRecord(value) ? value['name'] : undefined
    if (typeof name === 'string') add(`routes/${name}`, route, commentsAbove(route.range![0], text))
  }
}

function addMembers(upstreams: unknown, text: string, add: Add): void {
  if (!isMap(upstreams)) return
  for (const pair of upstreams.items) add(`upstreams/${nameOf(pair)}`, pair.value, commentsOf(pair, text))
}

function nameOf({ key }: Pair): string {
  return String(isScalar(key) ? key.value : key)
}

/** Those above the key, and those between the key and its value. */
function commentsOf({ key, value }: Pair, text: string): string {
  const between = isNode(value) && typeof value.commentBefore === 'string' ? value.commentBefore.split('\n') : []
  const above = isNode(key) ? commentsAbove(key.range![0], text) : ''
  return above + between.map((line) => (line.trim() === '' ? '' : `#${line}\n`)).join('')
}

/** Lines of comments right above, as far in as the line of `offset` itself: the parser gives some of them to what is before. */
function commentsAbove(offset: number, text: string): string {
  let start = text.lastIndexOf('\n', offset - 1) + 1
  const inside = indentation(text.slice(start, offset))
  let comments = ''
  while (start > 0) {
    const before = text.lastIndexOf('\n', start - 2) + 1
    const line = text.slice(before, start)
    if (!line.trimStart().startsWith('#') || indentation(line) !== inside) break
    comments = line.slice(inside) + comments
    start = before
  }
  return comments
}

/** As it stands in the file, moved to the left edge; written anew where it cannot stand alone. */
function itemText(node: Node, document: Document, text: string): string {
  const value: unknown = node.toJS(document)
  const [start, , end] = node.range!
  const column = start - (text.lastIndexOf('\n', start - 1) + 1)
  const lines = text.slice(start, end).trimEnd().split('\n')
  // Comments further out are about what comes next.
  while (/^\s*(?:#|$)/.test(lines.at(-1)!) && indentation(lines.at(-1)!) < column) lines.pop()
  const moved = lines.map((line, i) => (i === 0 ? line : line.slice(Math.min(column, indentation(line)))))
  const alone = `${moved.join('\n')}\n`
  return readsAs(alone, value) ? alone : stringify(value, { aliasDuplicateObjects: false })
}

function indentation(line: string): number {
  return line.length - line.trimStart().length
}

function readsAs(text: string, value: unknown): boolean {
  try {
    return isEqual(parse(text, { logLevel: 'silent' }), value)
  } catch {
    return false // an alias, for one, whose anchor is elsewhere
  }
}

/** Offset of the first `${` that would be a variable; -1: there is none. */
function variableIn(node: Node, document: Document, text: string): number {
  const value = JSON.stringify(node.toJS(document)) ?? ''
  if (!/(?<!\$)\$\{/.test(value)) return -1
  const [start, , end] = node.range!
  const at = text.slice(start, end).search(/(?<!\$)\$\{/)
  return at < 0 ? start : start + at
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'range' in value && Array.isArray(value.range)
}
