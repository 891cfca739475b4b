// The nodes of the trie of one host: path patterns by segment.
//
//   node          a place in the path, reached by the segments so far
//   children      static segments in an open-addressing table, by hash of their text
//   parameter     the node behind {name} or *
//   end rest all  leaves: the path ends here; a non-empty rest follows; the prefix itself and all below
//   regexes       expressions whose literal prefix ends here
//
// Routers that follow each other share nodes. Who builds one copies what it changes, once, and owns the copy: nobody else
// has seen that yet.
import type { CompareEntries, Entry } from './entry.ts'

/** Who may change a node or leaf: one build, while it lasts. */
export type Owner = object

/** Routes on one path, best first. */
export class Leaf {
  /** The route where there is but one, as on most paths: a search has less memory to touch then. */
  only: Entry | null = null
  readonly entries: Entry[]
  /** The same routes for HEAD, those that name HEAD first. */
  readonly headEntries: Entry[]
  readonly owner: Owner

  constructor(owner: Owner, before: Leaf | null = null) {
    this.entries = before?.entries.slice() ?? []
    this.headEntries = before?.headEntries.slice() ?? []
    this.owner = owner
  }

  ownedBy(owner: Owner): Leaf {
    return owner === this.owner ? this : new Leaf(owner, this)
  }

  insert(entry: Entry, compare: CompareEntries, compareForHead: CompareEntries): void {
    insertSorted(this.entries, entry, compare)
    insertSorted(this.headEntries, entry, compareForHead)
    this.#findOnly()
  }

  remove(entry: Entry): void {
    this.entries.splice(this.entries.indexOf(entry), 1)
    this.headEntries.splice(this.headEntries.indexOf(entry), 1)
    this.#findOnly()
  }

  #findOnly(): void {
    this.only = this.entries.length === 1 ? this.entries[0]! : null
  }
}

function insertSorted(sorted: Entry[], entry: Entry, compare: CompareEntries): void {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compare(sorted[middle]!, entry) < 0) low = middle + 1
    else high = middle
  }
  sorted.splice(low, 0, entry)
}

/** Places of leaves in a node. */
export type LeafPlace = 'end' | 'rest' | 'all' | 'regexes'

/** In the table of children: nobody here. No hash is below 0. */
export const FREE = -1

export class TrieNode {
  // What a search looks at comes first: it shares a cache line.
  /** One less than the places in the table of children; -1 without children. */
  mask = -1
  /** Two entries a place: the hash, or FREE, then the child. Most that do not match are never touched. */
  children: (number | TrieNode | null)[] = []
  readonly label: string
  parameter: TrieNode | null = null
  end: Leaf | null = null
  rest: Leaf | null = null
  all: Leaf | null = null
  regexes: Leaf | null = null
  readonly owner: Owner
  readonly #hash: number
  #count = 0

  constructor(owner: Owner, label: string, hash = hashOf(label)) {
    this.owner = owner
    this.label = label
    this.#hash = hash
  }

  ownedBy(owner: Owner): TrieNode {
    if (owner === this.owner) return this
    const copy = new TrieNode(owner, this.label, this.#hash)
    copy.mask = this.mask
    copy.children = this.children.slice()
    copy.parameter = this.parameter
    copy.end = this.end
    copy.rest = this.rest
    copy.all = this.all
    copy.regexes = this.regexes
    copy.#count = this.#count
    return copy
  }

  get isEmpty(): boolean {
    return (
      this.#count === 0 &&
      this.parameter === null &&
      this.end === null &&
      this.rest === null &&
      this.all === null &&
      this.regexes === null
    )
  }

  child(label: string): TrieNode | null {
    return this.mask < 0 ? null : this.#at(this.#placeOf(label, hashOf(label)))
  }

  /** In no order that means anything. */
  allChildren(): TrieNode[] {
    return this.children.filter((entry) => typeof entry === 'object' && entry !== null)
  }

  /** In the place of the child with the same label, if there is one. */
  setChild(child: TrieNode): void {
    if (this.child(child.label) === null) {
      this.#count++
      if (tableSize(this.#count) > this.mask + 1) this.#resize()
    }
    this.#put(this.#placeOf(child.label, child.#hash), child)
  }

  removeChild(label: string): void {
    const { mask } = this
    let hole = this.#placeOf(label, hashOf(label))
    // Those that went further because of it move up: a search ends at the first free place.
    for (let next = (hole + 1) & mask; ; next = (next + 1) & mask) {
      const child = this.#at(next)
      if (child === null) break
      if (((next - child.#hash) & mask) < ((next - hole) & mask)) continue
      this.#put(hole, child)
      hole = next
    }
    this.children[hole * 2] = FREE
    this.children[hole * 2 + 1] = null
    this.#count--
    if (tableSize(this.#count) * 4 <= mask) this.#resize()
  }

  #at(place: number): TrieNode | null {
    return this.children[place * 2 + 1] as TrieNode | null
  }

  #put(place: number, child: TrieNode): void {
    this.children[place * 2] = child.#hash
    this.children[place * 2 + 1] = child
  }

  /** Where the label is, or the free place that it would get. */
  #placeOf(label: string, hash: number): number {
    const { mask } = this
    let place = hash & mask
    for (let child = this.#at(place); child !== null && child.label !== label; child = this.#at(place))
      place = (place + 1) & mask
    return place
  }

  #resize(): void {
    const before = this.allChildren()
    const size = this.#count === 0 ? 0 : tableSize(this.#count)
    this.mask = size - 1
    this.children = Array.from({ length: size * 2 }, (_, i) => (i % 2 === 0 ? FREE : null))
    for (const child of before) this.#put(this.#placeOf(child.label, child.#hash), child)
  }
}

/** Half empty at most, so that a probe ends soon. */
function tableSize(children: number): number {
  let size = 2
  while (size < children * 2) size *= 2
  return size
}

/** Of a segment; `search` works it out while it looks for the next slash. */
function hashOf(label: string): number {
  let hash = 0
  for (let i = 0; i < label.length; i++) hash = (Math.imul(hash, 31) + label.charCodeAt(i)) | 0
  return mixed(hash)
}

/** The low bits choose the slot: the high ones must reach them. */
export function mixed(hash: number): number {
  return (hash ^ (hash >>> 15)) & 0x3fffffff
}
