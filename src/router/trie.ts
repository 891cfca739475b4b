// Puts routes into the trie of one host, takes them out, and finds them on the main road, without making anything there.
import type { CompareEntries, Entry } from './entry.ts'
import { FREE, Leaf, mixed, TrieNode, type LeafPlace, type Owner } from './trie-node.ts'

/** How a build puts entries in order, and what it may change. */
export interface Insertion {
  readonly owner: Owner
  readonly compare: CompareEntries
  readonly compareForHead: CompareEntries
}

/** The root with the entry: the same object when it is the build's own. */
export function insert(root: TrieNode | null, entry: Entry, { owner, compare, compareForHead }: Insertion): TrieNode {
  const top = root?.ownedBy(owner) ?? new TrieNode(owner, '')
  let node = top
  for (const { text, parameter } of segmentsOf(entry)) {
    if (parameter) {
      node = node.parameter = node.parameter?.ownedBy(owner) ?? new TrieNode(owner, '')
      continue
    }
    const before = node.child(text)
    const child = before?.ownedBy(owner) ?? new TrieNode(owner, text)
    if (child !== before) node.setChild(child)
    node = child
  }
  const place = placeOf(entry)
  const leaf = (node[place] = node[place]?.ownedBy(owner) ?? new Leaf(owner))
  leaf.insert(entry, compare, compareForHead)
  return top
}

/** The root without the entry, which must be there; null when nothing is left. */
export function remove(root: TrieNode, entry: Entry, owner: Owner): TrieNode | null {
  return removeBelow(root, entry, 0, owner)
}

function removeBelow(before: TrieNode, entry: Entry, depth: number, owner: Owner): TrieNode | null {
  const node = before.ownedBy(owner)
  const segments = segmentsOf(entry)
  if (depth === segments.length) {
    const place = placeOf(entry)
    const leaf = node[place]!.ownedBy(owner)
    leaf.remove(entry)
    node[place] = leaf.entries.length === 0 ? null : leaf
  } else if (segments[depth]!.parameter) {
    node.parameter = removeBelow(node.parameter!, entry, depth + 1, owner)
  } else {
    const { text } = segments[depth]!
    const child = removeBelow(node.child(text)!, entry, depth + 1, owner)
    if (child === null) node.removeChild(text)
    else node.setChild(child)
  }
  return node.isEmpty ? null : node
}

function segmentsOf({ pattern, regex }: Entry): readonly { readonly text: string; readonly parameter: boolean }[] {
  return pattern === null ? regex!.prefix.map((text) => ({ text, parameter: false })) : pattern.segments
}

function placeOf({ pattern }: Entry): LeafPlace {
  if (pattern === null) return 'regexes'
  return pattern.tail === 'none' ? 'end' : pattern.tail
}

const SLASH = 47

/** What a leaf says to one who arrives: a route, or null. */
export type TryLeaf<X> = (x: X, leaf: Leaf, path: string) => Entry | null

interface Target {
  readonly offsets: Int32Array
}

/**
 * First route below `node` that `tryLeaf` accepts, in order of precedence. `at`: where the next segment begins; beyond the
 * end of the path when there is none.
 */
export function search<X extends Target>(
  x: X,
  path: string,
  node: TrieNode,
  at: number,
  captured: number,
  tryLeaf: TryLeaf<X>,
): Entry | null {
  const length = path.length
  let found: Entry | null
  if (at > length) {
    if (node.end !== null && (found = tryLeaf(x, node.end, path)) !== null) return found
  } else {
    let hash = 0
    let stop = at
    for (; stop < length; stop++) {
      const code = path.charCodeAt(stop)
      if (code === SLASH) break
      hash = (Math.imul(hash, 31) + code) | 0
    }
    if (node.mask >= 0) {
      const child = childAt(node, mixed(hash), path, at, stop)
      if (child !== null && (found = search(x, path, child, stop + 1, captured, tryLeaf)) !== null) return found
    }
    const { parameter } = node
    if (parameter !== null && stop > at) {
      x.offsets[captured * 2] = at
      x.offsets[captured * 2 + 1] = stop
      found = search(x, path, parameter, stop + 1, captured + 1, tryLeaf)
      if (found !== null) return found
    }
    if (node.regexes !== null && (found = tryLeaf(x, node.regexes, path)) !== null) return found
    if (node.rest !== null && at < length) {
      x.offsets[captured * 2] = at
      x.offsets[captured * 2 + 1] = length
      if ((found = tryLeaf(x, node.rest, path)) !== null) return found
    }
  }
  return node.all === null ? null : tryLeaf(x, node.all, path)
}

function childAt({ children, mask }: TrieNode, hash: number, path: string, at: number, stop: number): TrieNode | null {
  for (let place = hash & mask; ; place = (place + 1) & mask) {
    const found = children[place * 2]
    if (found === FREE) return null
    if (found !== hash) continue
    const child = children[place * 2 + 1] as TrieNode
    const { label } = child
    if (label.length === stop - at && path.startsWith(label, at)) return child
  }
}
