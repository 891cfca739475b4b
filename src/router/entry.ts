// One route, ready to be compared. Routers that follow each other share the entries of routes that have not changed.
import { parsePathPattern, type PathPattern } from '../base/path-pattern.ts'
import type { RoutePattern } from '../contract/match.ts'
import { compileConditions, type Condition } from './condition.ts'
import type { Methods } from './method.ts'
import { compilePathRegex, type PathRegex } from './path-regex.ts'

export interface Entry {
  /** Stays the same while routes before it come and go; each router knows which route has the slot. */
  readonly slot: number
  /** '': any; `*.example.com`; or a name. */
  readonly host: string
  readonly pattern: PathPattern | null
  readonly regex: PathRegex | null
  /** null: any. */
  readonly methods: readonly string[] | null
  readonly mask: number
  /** null: none. */
  readonly conditions: readonly Condition[] | null
  readonly priority: number
}

/** Throws RangeError, or the error of an expression; a validated configuration gives none. */
export function compileEntry({ match = {}, priority = 0 }: RoutePattern, slot: number, methods: Methods): Entry {
  const named = match.method === undefined ? null : [match.method].flat()
  const pattern = match.pathRegex === undefined ? parsePathPattern(match.path ?? '/**') : null
  if (typeof pattern === 'string') throw new RangeError(pattern)
  const conditions = compileConditions(match)
  // What a search looks at comes first: it shares a cache line.
  return {
    slot,
    mask: methods.mask(named),
    regex: match.pathRegex === undefined ? null : compilePathRegex(match.pathRegex),
    conditions: conditions.length === 0 ? null : conditions,
    host: (match.host ?? '').toLowerCase().replace(/\.$/, ''),
    pattern,
    methods: named,
    priority,
  }
}

/** Below 0: `a` is tried before `b`. */
export type CompareEntries = (a: Entry, b: Entry) => number

/** Among routes on one path: more conditions first, then priority, then order in the file, which `positions` has by slot. */
export function onPath(positions: Int32Array): CompareEntries {
  return (a, b) => weight(b) - weight(a) || b.priority - a.priority || positions[a.slot]! - positions[b.slot]!
}

function weight({ conditions, methods }: Entry): number {
  return (conditions?.length ?? 0) + (methods === null ? 0 : 1)
}

/** The same for HEAD: those that name it come first. */
export function onPathForHead(compare: CompareEntries): CompareEntries {
  return (a, b) => Number(namesHead(b)) - Number(namesHead(a)) || compare(a, b)
}

function namesHead({ methods }: Entry): boolean {
  return methods !== null && methods.includes('HEAD')
}
