// The trie of one host: path patterns by segment. Built from objects on the control road, then laid out in flat
// tables, which the main road walks without making anything.
//
//   node          a place in the path, reached by the segments so far
//   children      static segments in an open-addressing table of node numbers, by hash of their text
//   parameter     the node behind {name} or *
//   end rest all  leaves: the path ends here; a non-empty rest follows; the prefix itself and all below
//   regexes       expressions whose literal prefix ends here
import type { PathPattern } from '../base/path-pattern.ts'
import type { PathRegex } from './path-regex.ts'

/** Routes on one path, best first. */
export interface Leaf {
  readonly routes: number[]
}

export interface RegexLeaf extends Leaf {
  readonly regexes: PathRegex[]
}

export interface BuildNode {
  readonly children: Map<string, BuildNode>
  parameter: BuildNode | null
  end: Leaf | null
  rest: Leaf | null
  all: Leaf | null
  regexes: RegexLeaf | null
}

export function createNode(): BuildNode {
  return { children: new Map(), parameter: null, end: null, rest: null, all: null, regexes: null }
}

export function insertPattern(root: BuildNode, pattern: PathPattern, route: number): void {
  let node = root
  for (const { text, parameter } of pattern.segments) {
    node = parameter ? (node.parameter ??= createNode()) : childOf(node, text)
  }
  const place = pattern.tail === 'none' ? 'end' : pattern.tail
  const leaf = (node[place] ??= { routes: [] })
  leaf.routes.push(route)
}

export function insertRegex(root: BuildNode, regex: PathRegex, route: number): void {
  let node = root
  for (const text of regex.prefix) node = childOf(node, text)
  node.regexes ??= { routes: [], regexes: [] }
  node.regexes.routes.push(route)
  node.regexes.regexes.push(regex)
}

function childOf(node: BuildNode, text: string): BuildNode {
  let child = node.children.get(text)
  if (child === undefined) {
    child = createNode()
    node.children.set(text, child)
  }
  return child
}

/** Every leaf in the order in which the trie is searched. */
export function leavesInOrder(node: BuildNode): Leaf[] {
  return [
    ...(node.end === null ? [] : [node.end]),
    ...[...node.children.values()].flatMap(leavesInOrder),
    ...(node.parameter === null ? [] : leavesInOrder(node.parameter)),
    ...(node.regexes === null ? [] : [node.regexes]),
    ...(node.rest === null ? [] : [node.rest]),
    ...(node.all === null ? [] : [node.all]),
  ]
}

const FIELDS = 8
const TABLE = 0
const MASK = 1
const PARAMETER = 2
const END = 3
const REST = 4
const ALL = 5
const REGEXES = 6

/** Nothing there. */
export const NONE = -1
const SLASH = 47

/** What a leaf says to one who arrives: a route, or NONE. */
export type TryLeaf<X> = (x: X, leaf: number, path: string) => number

interface Target {
  readonly offsets: Int32Array
}

/** The tables. Leaves are numbers of the caller's. */
export class Trie {
  readonly #nodes: Int32Array
  readonly #table: Int32Array
  readonly #hashes: Int32Array
  readonly #labels: readonly string[]

  /** `leafNumber` gives each leaf its number. */
  constructor(root: BuildNode, leafNumber: (leaf: Leaf | null) => number) {
    const nodes: number[] = []
    const table: number[] = []
    const hashes: number[] = []
    const labels: string[] = []
    const add = (node: BuildNode, label: string): number => {
      const id = labels.length
      labels.push(label)
      hashes.push(hashOf(label))
      nodes.push(
        0,
        -1,
        NONE,
        leafNumber(node.end),
        leafNumber(node.rest),
        leafNumber(node.all),
        leafNumber(node.regexes),
        0,
      )
      const children = [...node.children].map(([text, child]) => add(child, text))
      if (children.length > 0) {
        const size = tableSize(children.length)
        nodes[id * FIELDS + TABLE] = table.length
        nodes[id * FIELDS + MASK] = size - 1
        const slots = Array.from({ length: size }, () => NONE)
        for (const child of children) {
          let slot = hashes[child]! & (size - 1)
          while (slots[slot] !== NONE) slot = (slot + 1) & (size - 1)
          slots[slot] = child
        }
        table.push(...slots)
      }
      if (node.parameter !== null) nodes[id * FIELDS + PARAMETER] = add(node.parameter, '')
      return id
    }
    add(root, '')
    this.#nodes = Int32Array.from(nodes)
    this.#table = Int32Array.from(table)
    this.#hashes = Int32Array.from(hashes)
    this.#labels = labels
  }

  /** First route that `tryLeaf` accepts, in order of precedence; NONE if it accepts none. */
  search<X extends Target>(x: X, path: string, tryLeaf: TryLeaf<X>): number {
    return this.#walk(x, path, 0, 1, 0, tryLeaf)
  }

  /** `at`: where the next segment begins; beyond the end of the path when there is none. */
  #walk<X extends Target>(x: X, path: string, node: number, at: number, captured: number, tryLeaf: TryLeaf<X>): number {
    const nodes = this.#nodes
    const base = node * FIELDS
    const length = path.length
    let found: number
    if (at > length) {
      const end = nodes[base + END]!
      if (end !== NONE && (found = tryLeaf(x, end, path)) !== NONE) return found
    } else {
      let hash = 0
      let stop = at
      for (; stop < length; stop++) {
        const code = path.charCodeAt(stop)
        if (code === SLASH) break
        hash = (Math.imul(hash, 31) + code) | 0
      }
      const mask = nodes[base + MASK]!
      if (mask >= 0) {
        const child = this.#child(nodes[base + TABLE]!, mask, hash, path, at, stop)
        if (child !== NONE && (found = this.#walk(x, path, child, stop + 1, captured, tryLeaf)) !== NONE) return found
      }
      const parameter = nodes[base + PARAMETER]!
      if (parameter !== NONE && stop > at) {
        x.offsets[captured * 2] = at
        x.offsets[captured * 2 + 1] = stop
        found = this.#walk(x, path, parameter, stop + 1, captured + 1, tryLeaf)
        if (found !== NONE) return found
      }
      const regexes = nodes[base + REGEXES]!
      if (regexes !== NONE && (found = tryLeaf(x, regexes, path)) !== NONE) return found
      const rest = nodes[base + REST]!
      if (rest !== NONE && at < length) {
        x.offsets[captured * 2] = at
        x.offsets[captured * 2 + 1] = length
        if ((found = tryLeaf(x, rest, path)) !== NONE) return found
      }
    }
    const all = nodes[base + ALL]!
    return all === NONE ? NONE : tryLeaf(x, all, path)
  }

  #child(table: number, mask: number, hash: number, path: string, at: number, stop: number): number {
    for (let slot = mix(hash) & mask; ; slot = (slot + 1) & mask) {
      const child = this.#table[table + slot]!
      if (child === NONE) return NONE
      if (this.#hashes[child] !== mix(hash)) continue
      const label = this.#labels[child]!
      if (label.length === stop - at && path.startsWith(label, at)) return child
    }
  }
}

/** Half empty at most, so that a probe ends soon. */
function tableSize(children: number): number {
  let size = 2
  while (size < children * 2) size *= 2
  return size
}

function hashOf(label: string): number {
  let hash = 0
  for (let i = 0; i < label.length; i++) hash = (Math.imul(hash, 31) + label.charCodeAt(i)) | 0
  return mix(hash)
}

/** The low bits choose the slot: the high ones must reach them. */
function mix(hash: number): number {
  return hash ^ (hash >>> 15)
}
