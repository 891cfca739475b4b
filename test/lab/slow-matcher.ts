// The precedence of DESIGN section 5 once more, slow and obvious: every route is asked, the holders are sorted.
import { parsePathPattern, patternMatches, type PathPattern } from '../../src/base/path-pattern.ts'
import { METHOD_NOT_ALLOWED, NOT_FOUND, type Matchable, type RoutePattern } from '../../src/contract/match.ts'
import { literalPrefix } from '../../src/router/path-regex.ts'

interface Place {
  /** Lower is better, element by element: host class, length of a wildcard, then one rank per segment. */
  readonly host: readonly number[]
  readonly path: readonly number[]
}

const STATIC = 1
const PARAMETER = 2
const REGEX = 3
const REST = 4
const ALL = 5
const END = 0

function place({ match = {} }: RoutePattern): Place {
  const { host } = match
  const hostRank = host === undefined ? [2, 0] : host.startsWith('*') ? [1, -host.length] : [0, 0]
  if (match.pathRegex !== undefined) {
    return { host: hostRank, path: [...literalPrefix(match.pathRegex).map(() => STATIC), REGEX] }
  }
  const { segments, tail } = parsePathPattern(match.path ?? '/**') as PathPattern
  const ranks = segments.map(({ parameter }) => (parameter ? PARAMETER : STATIC))
  return { host: hostRank, path: [...ranks, tail === 'none' ? END : tail === 'rest' ? REST : ALL] }
}

function compareRanks(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) if (a[i] !== b[i]) return a[i]! - b[i]!
  return 0
}

function samePath(a: RoutePattern, b: RoutePattern): boolean {
  return compareRanks(place(a).host, place(b).host) === 0 && compareRanks(place(a).path, place(b).path) === 0
}

function holds({ match = {} }: RoutePattern, x: Matchable): boolean {
  const { host } = match
  if (
    host !== undefined &&
    (host.startsWith('*') ? !x.host.endsWith(host.slice(1)) || x.host.length < host.length : host !== x.host)
  ) {
    return false
  }
  if (match.pathRegex !== undefined) {
    if (!new RegExp(`^(?:${match.pathRegex})$`).test(x.path)) return false
  } else if (!patternMatches(parsePathPattern(match.path ?? '/**') as PathPattern, x.path)) return false
  for (const [name, wanted] of Object.entries(match.headers ?? {})) {
    const values: string[] = []
    for (let i = 0; i < x.headers.length; i += 2) if (x.headers.flat[i] === name) values.push(x.headers.flat[i + 1]!)
    if (!valueHolds(wanted, values)) return false
  }
  for (const [name, wanted] of Object.entries(match.query ?? {})) {
    if (!valueHolds(wanted, new URLSearchParams(x.search).getAll(name))) return false
  }
  return true
}

function valueHolds(wanted: string | { regex: string } | { present: boolean }, values: readonly string[]): boolean {
  if (typeof wanted === 'string') return values.includes(wanted)
  if ('present' in wanted) return values.length > 0 === wanted.present
  return values.some((value) => new RegExp(`^(?:${wanted.regex})$`).test(value))
}

function methods({ match = {} }: RoutePattern): readonly string[] | null {
  return match.method === undefined ? null : [match.method].flat()
}

function takes(route: RoutePattern, method: string): boolean {
  const named = methods(route)
  return named === null || named.includes(method) || (method === 'HEAD' && named.includes('GET'))
}

function conditions(route: RoutePattern): number {
  const { match = {} } = route
  return (
    Object.keys(match.headers ?? {}).length +
    Object.keys(match.query ?? {}).length +
    (match.method === undefined ? 0 : 1)
  )
}

/** Index of the route that wins, NOT_FOUND or METHOD_NOT_ALLOWED. */
export function slowMatch(routes: readonly RoutePattern[], x: Matchable): number {
  const holders = routes.filter((route) => holds(route, x))
  const takers = holders.filter((route) => takes(route, x.method))
  if (takers.length === 0) return holders.length === 0 ? NOT_FOUND : METHOD_NOT_ALLOWED
  const namesHead = (route: RoutePattern): number => (methods(route)?.includes('HEAD') === true ? 0 : 1)
  const best = takers.toSorted(
    (a, b) =>
      compareRanks(place(a).host, place(b).host) ||
      compareRanks(place(a).path, place(b).path) ||
      (x.method === 'HEAD' && samePath(a, b) ? namesHead(a) - namesHead(b) : 0) ||
      conditions(b) - conditions(a) ||
      (b.priority ?? 0) - (a.priority ?? 0) ||
      routes.indexOf(a) - routes.indexOf(b),
  )
  return routes.indexOf(best[0]!)
}
