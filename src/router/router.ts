// Host, path, method, headers and query -> Route (DESIGN section 5). `match`, `allow`, `order` and `explain` read the
// same structure, so that none of them can disagree with another.
import { patternMatches, type PathPattern } from '../base/path-pattern.ts'
import { METHOD_NOT_ALLOWED, NOT_FOUND, type Matchable, type RoutePattern } from '../contract/match.ts'
import type { RouteMatcher } from '../contract/snapshot.ts'
import type { Condition } from './condition.ts'
import type { Entry } from './entry.ts'
import type { Hosts } from './hosts.ts'
import { matchingOrder } from './matching-order.ts'
import type { Methods } from './method.ts'
import { search } from './trie.ts'
import type { Leaf } from './trie-node.ts'

/** Why a route was not chosen, or that it was. */
export type Outcome = 'won' | 'lost' | 'host' | 'path' | 'method' | 'header' | 'query'

export interface Candidate {
  readonly route: number
  readonly outcome: Outcome
  /** What was seen and expected; '' where the outcome says it all. */
  readonly detail: string
}

/** What a router is made of; the next one is made from that. */
export interface RouterParts {
  readonly patterns: readonly RoutePattern[]
  /** By route number. */
  readonly entries: readonly Entry[]
  /** Route number by slot of its entry. */
  readonly positions: Int32Array
  readonly hosts: Hosts
  readonly methods: Methods
}

export class Router implements RouteMatcher {
  readonly parts: RouterParts
  readonly #positions: Int32Array
  readonly #hosts: Hosts
  readonly #methods: Methods
  readonly #hasExact: boolean
  #order: readonly number[] | null = null
  // State of the search that runs now; searches never nest.
  #bit = 0
  #head = false
  #refusedMask = 0

  constructor(parts: RouterParts) {
    this.parts = parts
    this.#positions = parts.positions
    this.#hosts = parts.hosts
    this.#methods = parts.methods
    this.#hasExact = parts.hosts.exact.size > 0
  }

  match(x: Matchable, method = x.method): number {
    this.#bit = this.#methods.bit(method)
    this.#head = method === 'HEAD'
    this.#refusedMask = 0
    const { host, path } = x
    const { exact, wildcards, any } = this.#hosts
    let found: Entry | null = null
    if (this.#hasExact) {
      const root = exact.get(host)
      if (root !== undefined) found = search(x, path, root, 1, 0, this.#tryLeaf)
    }
    for (let i = 0; found === null && i < wildcards.length; i++) {
      const { suffix, root } = wildcards[i]!
      if (host.length > suffix.length && host.endsWith(suffix)) found = search(x, path, root, 1, 0, this.#tryLeaf)
    }
    if (found === null && any !== null) found = search(x, path, any, 1, 0, this.#tryLeaf)
    if (found !== null) return this.#positions[found.slot]!
    return this.#refusedMask === 0 ? NOT_FOUND : METHOD_NOT_ALLOWED
  }

  readonly #tryLeaf = (x: Matchable, leaf: Leaf, path: string): Entry | null => {
    const { only } = leaf
    if (only !== null) return this.#takes(only, x, path) ? only : null
    const entries = this.#head ? leaf.headEntries : leaf.entries
    for (let i = 0; i < entries.length; i++) if (this.#takes(entries[i]!, x, path)) return entries[i]!
    return null
  }

  #takes({ mask, regex, conditions }: Entry, x: Matchable, path: string): boolean {
    // A route that refuses the method is of interest only until some route is found: for Allow.
    if (regex !== null && !regex.matches(path, x.offsets)) return false
    if (conditions !== null && !allHold(conditions, x)) return false
    if ((mask & this.#bit) !== 0) return true
    this.#refusedMask |= mask
    return false
  }

  allow(x: Matchable): string {
    return this.match(x) === METHOD_NOT_ALLOWED ? this.#methods.list(this.#refusedMask) : ''
  }

  /** Parameter names of a route, in the order of `Matchable.offsets`. */
  names(route: number): readonly string[] {
    const { pattern, regex } = this.parts.entries[route]!
    return pattern === null ? regex!.names : pattern.names
  }

  /** null for a route by pathRegex. */
  pattern(route: number): PathPattern | null {
    return this.parts.entries[route]!.pattern
  }

  /** Route numbers in matching order. */
  order(): readonly number[] {
    return (this.#order ??= matchingOrder(this.#hosts, this.#positions))
  }

  /** Every route in matching order, with what became of it. */
  explain(x: Matchable): Candidate[] {
    const bit = this.#methods.bit(x.method)
    const offsets = new Int32Array(x.offsets.length)
    const winner = this.match(x)
    return this.order().map((route): Candidate => {
      if (route === winner) return { route, outcome: 'won', detail: '' }
      const entry = this.parts.entries[route]!
      if (!hostMatches(entry.host, x.host)) return { route, outcome: 'host', detail: `expected ${entry.host}` }
      const { pattern, regex } = entry
      if (pattern === null ? !regex!.matches(x.path, offsets) : !patternMatches(pattern, x.path)) {
        return {
          route,
          outcome: 'path',
          detail: pattern === null ? 'pathRegex does not match' : `expected ${pattern.source}`,
        }
      }
      const missing = entry.conditions?.find((condition) => !condition.holds(x))
      if (missing !== undefined) return { route, outcome: missing.kind, detail: missing.describe(x) }
      if ((entry.mask & bit) === 0) {
        return { route, outcome: 'method', detail: `expected ${this.#methods.list(entry.mask)}` }
      }
      return { route, outcome: 'lost', detail: 'a more specific route comes first' }
    })
  }
}

function allHold(conditions: readonly Condition[], x: Matchable): boolean {
  for (let i = 0; i < conditions.length; i++) if (!conditions[i]!.holds(x)) return false
  return true
}

function hostMatches(pattern: string, host: string): boolean {
  if (pattern === '') return true
  if (!pattern.startsWith('*')) return pattern === host
  return host.length > pattern.length - 1 && host.endsWith(pattern.slice(1))
}
