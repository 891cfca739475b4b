// The order in which routes are tried, for whoever asks: too long a list to be made with every router.
import type { Hosts } from './hosts.ts'
import type { Leaf, TrieNode } from './trie-node.ts'

/** Route numbers, which `positions` has by slot. Where nothing else decides, the first in the file comes first. */
export function matchingOrder(hosts: Hosts, positions: Int32Array): number[] {
  const walk = new Walk(positions)
  const exact = walk.sorted([...hosts.exact.values()])
  const wildcards = hosts.wildcards.toSorted(
    (a, b) => b.suffix.length - a.suffix.length || walk.lowestOf(a.root) - walk.lowestOf(b.root),
  )
  for (const root of exact) walk.visit(root)
  for (const { root } of wildcards) walk.visit(root)
  if (hosts.any !== null) walk.visit(hosts.any)
  return walk.order
}

class Walk {
  readonly order: number[] = []
  readonly #positions: Int32Array
  /** The lowest route number in and below a node. */
  readonly #lowest = new Map<TrieNode, number>()

  constructor(positions: Int32Array) {
    this.#positions = positions
  }

  sorted(nodes: TrieNode[]): TrieNode[] {
    return nodes.sort((a, b) => this.lowestOf(a) - this.lowestOf(b))
  }

  visit(node: TrieNode): void {
    this.#add(node.end)
    for (const child of this.sorted(node.allChildren())) this.visit(child)
    if (node.parameter !== null) this.visit(node.parameter)
    this.#add(node.regexes)
    this.#add(node.rest)
    this.#add(node.all)
  }

  #add(leaf: Leaf | null): void {
    if (leaf !== null) for (const { slot } of leaf.entries) this.order.push(this.#positions[slot]!)
  }

  lowestOf(node: TrieNode): number {
    let lowest = this.#lowest.get(node)
    if (lowest !== undefined) return lowest
    lowest = Infinity
    for (const leaf of [node.end, node.rest, node.all, node.regexes])
      if (leaf !== null) for (const { slot } of leaf.entries) lowest = Math.min(lowest, this.#positions[slot]!)
    for (const child of node.allChildren()) lowest = Math.min(lowest, this.lowestOf(child))
    if (node.parameter !== null) lowest = Math.min(lowest, this.lowestOf(node.parameter))
    this.#lowest.set(node, lowest)
    return lowest
  }
}
