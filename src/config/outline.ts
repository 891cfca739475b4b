// Positions of everything in a document as numbers, so that a thread that parses can hand them over. Nodes lie in the order in
// which they are met on the way down, each as
//
//     [offset of its key, offset of its value, number of nodes below and including it]
//
// and the children of a mapping in the order of Object.keys.
import { isAlias, isMap, isScalar, isSeq, type Document, type Pair } from 'yaml'
import {
  isRecord,
  pluginDirectories,
  startOf,
  type ConfigDocument,
  type Path,
  type Position,
  type ReadYaml,
} from './document.ts'
import type { Problem } from './problem.ts'

const WIDTH = 3
/** Nodes with more children remember where each of them is. */
const MANY = 32
/** Aliases may make a small text large. */
const MOST_NODES = 5_000_000

export interface Outline {
  readonly nodes: Int32Array
  /** Offsets of the beginnings of lines. */
  readonly lines: Int32Array
  /** Offsets of texts with variables. */
  readonly variables: Int32Array
}

/** Throws RangeError when there are too many nodes. */
export function outlineOf({ tree, value, lines, variables }: ReadYaml): Outline {
  const nodes: number[] = []
  describe(tree, tree.contents, value, startOf(tree.contents), startOf(tree.contents), nodes)
  return { nodes: Int32Array.from(nodes), lines: Int32Array.from(lines), variables: Int32Array.from(variables) }
}

function describe(tree: Document, written: unknown, value: unknown, key: number, at: number, nodes: number[]): void {
  const index = nodes.length
  if (index > MOST_NODES * WIDTH) throw new RangeError('the document has too many nodes')
  nodes.push(key, at, 0)
  const node = isAlias(written) ? written.resolve(tree) : written
  if (isMap(node) && isRecord(value)) {
    const pairs = new Map<string, Pair>()
    for (const pair of node.items) {
      const name = String(isScalar(pair.key) ? pair.key.value : pair.key)
      if (!pairs.has(name)) pairs.set(name, pair)
    }
    for (const [name, entry] of Object.entries(value)) {
      const pair = pairs.get(name)
      const own = pair === undefined ? at : startOf(pair.key)
      // A value that is not written (`key:`) has no place of its own.
      const isMissing =
        pair === undefined ||
        pair.value === null ||
        (isScalar(pair.value) && pair.value.range?.[0] === pair.value.range?.[1])
      describe(tree, pair?.value, entry, own, isMissing ? own : startOf(pair.value), nodes)
    }
  } else if (isSeq(node) && Array.isArray(value)) {
    for (const [i, entry] of value.entries()) {
      const start = startOf(node.items[i])
      describe(tree, node.items[i], entry, start, start, nodes)
    }
  }
  nodes[index + 2] = (nodes.length - index) / WIDTH
}

/** A document of which there are only the values and the outline. */
export class OutlinedDocument implements ConfigDocument {
  readonly file: string
  readonly value: unknown
  readonly problems: readonly Problem[]
  readonly pluginDirectories: readonly string[]
  readonly #outline: Outline
  readonly #variables: ReadonlySet<number>
  readonly #children = new Map<number, ReadonlyMap<string | number, number>>()

  constructor(file: string, value: unknown, problems: readonly Problem[], outline: Outline) {
    this.file = file
    this.value = value
    this.problems = problems
    this.pluginDirectories = pluginDirectories(value)
    this.#outline = outline
    this.#variables = new Set(outline.variables)
  }

  at(path: Path, onKey = false): Position {
    const { lines } = this.#outline
    const offset = this.#locate(path, onKey)
    let low = 0
    let high = lines.length
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if (lines[middle]! <= offset) low = middle
      else high = middle
    }
    return { line: low + 1, column: offset - (lines[low] ?? 0) + 1 }
  }

  isVariable(path: Path): boolean {
    return this.#variables.has(this.#locate(path, false))
  }

  #locate(path: Path, onKey: boolean): number {
    const { nodes } = this.#outline
    let index = 0
    let value = this.value
    let offset = nodes[1] ?? 0
    for (const [depth, step] of path.entries()) {
      const child = this.#child(index, value, step)
      if (child === undefined) return offset
      index = child
      offset = nodes[index + (onKey && depth === path.length - 1 ? 0 : 1)]!
      value = (value as Record<string | number, unknown>)[step]
    }
    return offset
  }

  #child(index: number, value: unknown, step: string | number): number | undefined {
    const names = Array.isArray(value) ? value.keys() : isRecord(value) ? Object.keys(value) : []
    const wanted = Array.isArray(value) ? Number(step) : String(step)
    const known = this.#children.get(index)
    if (known !== undefined) return known.get(wanted)
    const { nodes } = this.#outline
    const children = new Map<string | number, number>()
    let child = index + WIDTH
    for (const name of names) {
      children.set(name, child)
      child += nodes[child + 2]! * WIDTH
    }
    if (children.size > MANY) this.#children.set(index, children)
    return children.get(wanted)
  }
}
