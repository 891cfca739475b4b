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
  readonly owner: Owner
  readonly entries: Entry[]
  /** The same routes for HEAD, those that name HEAD first. */
  readonly headEntries: Entry[]

  constructor(owner: Owner, entries: Entry[] = [], headEntries: Entry[] = []) {
    this.owner = owner
    this.entries = entries
    this.headEntries = headEntries
  }

  ownedBy(owner: Owner): Leaf {
    return owner === this.owner ? this : new Leaf(owner, this.entries.slice(), this.headEntries.slice())
  }

  insert(entry: Entry, compare: CompareEntries, compareForHead: CompareEntries): void {
    insertSorted(this.entries, entry, compare)
    insertSorted(this.headEntries, entry, compareForHead)
  }

  remove(entry: Entry): void {
    this.entries.splice(this.entries.indexOf(entry), 1)
    this.headEntries.splice(this.headEntries.indexOf(entry), 1)
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

type Slot = TrieNode | null

export class TrieNode {
  readonly owner: Owner
  readonly label: string
  readonly hash: number
  /** One less than the size of the table of children; -1 without children. */
  mask = -1
  children: Slot[] = []
  parameter: TrieNode | null = null
  end: Leaf | null = null
  rest: Leaf | null = null
  all: Leaf | null = null
  regexes: Leaf | null = null
  #count = 0

  constructor(owner: Owner, label: string, hash = hashOf(label)) {
    this.owner = owner
    this.label = label
    this.hash = hash
  }

  ownedBy(owner: Owner): TrieNode {
    if (owner === this.owner) return this
    const copy = new TrieNode(owner, this.label, this.hash)
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
    return this.mask < 0 ? null : (this.children[this.#slotOf(label, hashOf(label))] ?? null)
  }

  /** In the place of the child with the same label, if there is one. */
  setChild(child: TrieNode): void {
    const slot = this.mask < 0 ? -1 : this.#slotOf(child.label, child.hash)
    if (slot >= 0 && this.children[slot] !== null) {
      this.children[slot] = child
      return
    }
    this.#count++
    if (tableSize(this.#count) > this.children.length) this.#resize()
    this.children[this.#slotOf(child.label, child.hash)] = child
  }

  removeChild(label: string): void {
    const { children, mask } = this
    let hole = this.#slotOf(label, hashOf(label))
    // Those that went further because of it move up: a search ends at the first free slot.
    for (let next = (hole + 1) & mask; children[next] !== null; next = (next + 1) & mask) {
      const home = children[next]!.hash & mask
      if (((next - home) & mask) < ((next - hole) & mask)) continue
      children[hole] = children[next]!
      hole = next
    }
    children[hole] = null
    this.#count--
    if (tableSize(this.#count) * 4 < children.length) this.#resize()
  }

  /** Where the label is, or the free slot that it would get. */
  #slotOf(label: string, hash: number): number {
    const { children, mask } = this
    let slot = hash & mask
    for (let child = children[slot]!; child !== null && child.label !== label; child = children[slot]!)
      slot = (slot + 1) & mask
    return slot
  }

  #resize(): void {
    const before = this.children
    const size = this.#count === 0 ? 0 : tableSize(this.#count)
    this.mask = size - 1
    this.children = Array.from({ length: size }, () => null)
    for (const child of before) if (child !== null) this.children[this.#slotOf(child.label, child.hash)] = child
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
  return hash ^ (hash >>> 15)
}
