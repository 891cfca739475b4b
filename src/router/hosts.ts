// One trie per host pattern: exact ones, then wildcards with the longer suffix first, then any.
import type { TrieNode } from './trie-node.ts'

export interface WildcardHost {
  /** `.example.com` */
  readonly suffix: string
  readonly root: TrieNode
}

export class Hosts {
  readonly exact: Map<string, TrieNode>
  /** Longest suffix first. */
  readonly wildcards: WildcardHost[]
  any: TrieNode | null

  constructor(before: Hosts | null) {
    this.exact = new Map(before?.exact)
    this.wildcards = before?.wildcards.slice() ?? []
    this.any = before?.any ?? null
  }

  /** `host`: '', `*.example.com` or a name. */
  get(host: string): TrieNode | null {
    if (host === '') return this.any
    if (!host.startsWith('*')) return this.exact.get(host) ?? null
    return this.wildcards.find(({ suffix }) => suffix === host.slice(1))?.root ?? null
  }

  /** null: the host has no routes any more. */
  set(host: string, root: TrieNode | null): void {
    if (host === '') this.any = root
    else if (host.startsWith('*')) this.#setWildcard(host.slice(1), root)
    else if (root === null) this.exact.delete(host)
    else this.exact.set(host, root)
  }

  #setWildcard(suffix: string, root: TrieNode | null): void {
    const { wildcards } = this
    const index = wildcards.findIndex((each) => each.suffix === suffix)
    if (root === null) wildcards.splice(index, 1)
    else if (index >= 0) wildcards[index] = { suffix, root }
    else {
      const shorter = wildcards.findIndex((each) => each.suffix.length < suffix.length)
      wildcards.splice(shorter < 0 ? wildcards.length : shorter, 0, { suffix, root })
    }
  }
}
