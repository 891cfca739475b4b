// Host, path, method, headers and query -> Route (DESIGN section 5). `match`, `allow`, `order` and `explain` read the
// same structure, so that none of them can disagree with another.
import { parsePathPattern, patternMatches, type PathPattern } from '../base/path-pattern.ts'
import { METHOD_NOT_ALLOWED, NOT_FOUND, type Matchable, type RoutePattern } from '../contract/match.ts'
import type { RouteMatcher } from '../contract/snapshot.ts'
import { compileConditions, type Condition } from './condition.ts'
import { Methods } from './method.ts'
import { compilePathRegex, type PathRegex } from './path-regex.ts'
import { createNode, insertPattern, insertRegex, leavesInOrder, NONE, Trie, type BuildNode, type Leaf } from './trie.ts'

/** Why a route was not chosen, or that it was. */
export type Outcome = 'won' | 'lost' | 'host' | 'path' | 'method' | 'header' | 'query'

export interface Candidate {
  readonly route: number
  readonly outcome: Outcome
  /** What was seen and expected; '' where the outcome says it all. */
  readonly detail: string
}

export interface Router extends RouteMatcher {
  /** Parameter names of a route, in the order of `Matchable.offsets`. */
  names(route: number): readonly string[]
  /** Route numbers in matching order. */
  order(): number[]
  /** Every route in matching order, with what became of it. */
  explain(x: Matchable): Candidate[]
}

/** One route, ready to be compared. */
interface Entry {
  readonly route: number
  readonly name: string
  readonly host: string
  readonly pattern: PathPattern | null
  readonly regex: PathRegex | null
  /** null: any. */
  readonly methods: readonly string[] | null
  readonly mask: number
  readonly conditions: readonly Condition[]
  readonly priority: number
}

/** Throws RangeError, or the error of an expression; a validated configuration gives none. */
export function compileRouter(routes: readonly RoutePattern[]): Router {
  const methods = new Methods()
  const entries = routes.map(({ name, match, priority }, route): Entry => {
    const named = match.method === undefined ? null : [match.method].flat()
    const pattern = match.pathRegex === undefined ? parsePathPattern(match.path ?? '/**') : null
    if (typeof pattern === 'string') throw new RangeError(pattern)
    return {
      route,
      name,
      host: (match.host ?? '').toLowerCase().replace(/\.$/, ''),
      pattern,
      regex: match.pathRegex === undefined ? null : compilePathRegex(match.pathRegex),
      methods: named,
      mask: methods.mask(named),
      conditions: compileConditions(match),
      priority,
    }
  })
  return new CompiledRouter(entries, methods)
}

/** Among routes on one path: more conditions first, then priority, then order in the file. */
function compareOnPath(a: Entry, b: Entry): number {
  const weight = (entry: Entry): number => entry.conditions.length + (entry.methods === null ? 0 : 1)
  return weight(b) - weight(a) || b.priority - a.priority || a.route - b.route
}

interface WildcardHost {
  /** `.example.com` */
  readonly suffix: string
  readonly trie: Trie
}

/** Routes of one leaf as the walk wants them. */
class LeafTable {
  readonly routes: Int32Array
  /** The same routes for HEAD, those that name HEAD first. */
  readonly headRoutes: Int32Array
  readonly regexes: readonly (PathRegex | null)[] | null

  constructor(leaf: Leaf, entries: readonly Entry[]) {
    const ordered = leaf.routes.map((route) => entries[route]!).toSorted(compareOnPath)
    const named = (entry: Entry): number => (entry.methods?.includes('HEAD') === true ? 0 : 1)
    this.routes = Int32Array.from(ordered, ({ route }) => route)
    this.headRoutes = Int32Array.from(
      ordered.toSorted((a, b) => named(a) - named(b)),
      ({ route }) => route,
    )
    this.regexes = 'regexes' in leaf ? entries.map(({ regex }) => regex) : null
  }
}

class CompiledRouter implements Router {
  readonly #entries: readonly Entry[]
  readonly #methods: Methods
  readonly #masks: Int32Array
  readonly #conditions: readonly (readonly Condition[] | null)[]
  readonly #leaves: LeafTable[] = []
  readonly #exactHosts = new Map<string, Trie>()
  /** Longest suffix first. */
  readonly #wildcardHosts: WildcardHost[] = []
  readonly #anyHost: Trie | null = null
  readonly #order: number[] = []
  // State of the search that runs now; searches never nest.
  #bit = 0
  #head = false
  #refusedMask = 0

  constructor(entries: readonly Entry[], methods: Methods) {
    this.#entries = entries
    this.#methods = methods
    this.#masks = Int32Array.from(entries, ({ mask }) => mask)
    this.#conditions = entries.map(({ conditions }) => (conditions.length === 0 ? null : conditions))
    for (const [host, root] of hostsInOrder(entries)) {
      const trie = this.#layOut(root)
      if (host === '') this.#anyHost = trie
      else if (host.startsWith('*')) this.#wildcardHosts.push({ suffix: host.slice(1), trie })
      else this.#exactHosts.set(host, trie)
    }
  }

  #layOut(root: BuildNode): Trie {
    const numbers = new Map<Leaf, number>()
    for (const leaf of leavesInOrder(root)) {
      const table = new LeafTable(leaf, this.#entries)
      numbers.set(leaf, this.#leaves.length)
      this.#leaves.push(table)
      this.#order.push(...table.routes)
    }
    return new Trie(root, (leaf) => (leaf === null ? NONE : numbers.get(leaf)!))
  }

  match(x: Matchable, method = x.method): number {
    this.#bit = this.#methods.bit(method)
    this.#head = method === 'HEAD'
    this.#refusedMask = 0
    const { host, path } = x
    let found = NONE
    const exact = this.#exactHosts.size === 0 ? undefined : this.#exactHosts.get(host)
    if (exact !== undefined) found = exact.search(x, path, this.#tryLeaf)
    for (let i = 0; found === NONE && i < this.#wildcardHosts.length; i++) {
      const { suffix, trie } = this.#wildcardHosts[i]!
      if (host.length > suffix.length && host.endsWith(suffix)) found = trie.search(x, path, this.#tryLeaf)
    }
    if (found === NONE && this.#anyHost !== null) found = this.#anyHost.search(x, path, this.#tryLeaf)
    if (found !== NONE) return found
    return this.#refusedMask === 0 ? NOT_FOUND : METHOD_NOT_ALLOWED
  }

  readonly #tryLeaf = (x: Matchable, leaf: number, path: string): number => {
    const table = this.#leaves[leaf]!
    const routes = this.#head ? table.headRoutes : table.routes
    for (let i = 0; i < routes.length; i++) {
      const route = routes[i]!
      const mask = this.#masks[route]!
      const taken = (mask & this.#bit) !== 0
      // A route that refuses the method is of interest only until some route is found: for Allow.
      if (table.regexes !== null && !table.regexes[route]!.matches(path, x.offsets)) continue
      const conditions = this.#conditions[route]!
      if (conditions !== null && !allHold(conditions, x)) continue
      if (taken) return route
      this.#refusedMask |= mask
    }
    return NONE
  }

  allow(x: Matchable): string {
    return this.match(x) === METHOD_NOT_ALLOWED ? this.#methods.list(this.#refusedMask) : ''
  }

  names(route: number): readonly string[] {
    const { pattern, regex } = this.#entries[route]!
    return pattern === null ? regex!.names : pattern.names
  }

  order(): number[] {
    return [...this.#order]
  }

  explain(x: Matchable): Candidate[] {
    const bit = this.#methods.bit(x.method)
    const offsets = new Int32Array(x.offsets.length)
    const winner = this.match(x)
    return this.#order.map((route): Candidate => {
      if (route === winner) return { route, outcome: 'won', detail: '' }
      const entry = this.#entries[route]!
      if (!hostMatches(entry.host, x.host)) return { route, outcome: 'host', detail: `expected ${entry.host}` }
      const { pattern, regex } = entry
      if (pattern === null ? !regex!.matches(x.path, offsets) : !patternMatches(pattern, x.path)) {
        return {
          route,
          outcome: 'path',
          detail: pattern === null ? 'pathRegex does not match' : `expected ${pattern.source}`,
        }
      }
      const missing = entry.conditions.find((condition) => !condition.holds(x))
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

/** One trie per host pattern: exact ones, then wildcards with the longer suffix first, then any. */
function hostsInOrder(entries: readonly Entry[]): [host: string, root: BuildNode][] {
  const roots = new Map<string, BuildNode>()
  for (const { route, host, pattern, regex } of entries) {
    let root = roots.get(host)
    if (root === undefined) {
      root = createNode()
      roots.set(host, root)
    }
    if (pattern === null) insertRegex(root, regex!, route)
    else insertPattern(root, pattern, route)
  }
  const rank = (host: string): number => (host === '' ? 2 : host.startsWith('*') ? 1 : 0)
  return [...roots].toSorted(([a], [b]) => rank(a) - rank(b) || (rank(a) === 1 ? b.length - a.length : 0))
}
