// Routes that can never match, and routes that say something in a roundabout way.
import { parsePathPattern, type PathPattern } from '../../base/path-pattern.ts'
import type { MatchConfig, RouteConfig } from '../schema.ts'
import type { Work } from '../work.ts'
import type { Subject } from './subject.ts'

interface Ranked {
  readonly index: number
  readonly priority: number
  /** null: every method. */
  readonly methods: readonly string[] | null
}

/**
 * Routes with the same host, the same shape of path and the same conditions are asked one after the other; those that name
 * methods first, then by priority, then in order. One of them never matches when those before it take all of its methods.
 * Routes with more conditions are asked before, but do not take everything: they are no reason.
 */
export function* lintRoutes(subject: Subject): Work<void> {
  const groups = new Map<string, Ranked[]>()
  for (const [index, route] of subject.valid.config.routes.entries()) {
    yield
    lintSplit(route, index, subject)
    const { match = {}, priority = 0 } = route
    const key = groupOf(match)
    const methods = match.method === undefined ? null : [match.method].flat()
    const ranked = { index, priority, methods }
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [ranked])
    else group.push(ranked)
  }
  for (const group of groups.values()) {
    if (group.length > 1) lintGroup(group, subject)
    yield
  }
}

function lintGroup(group: Ranked[], subject: Subject): void {
  const { routes } = subject.valid.config
  const weight = ({ methods }: Ranked): number => (methods === null ? 0 : 1)
  group.sort((a, b) => weight(b) - weight(a) || b.priority - a.priority || a.index - b.index)
  /** Who takes a method; under '' who takes all. */
  const taken = new Map<string, number>()
  for (const { index, methods } of group) {
    const takers = (methods ?? ['']).map((method) => taken.get(method))
    if (takers.every((taker) => taker !== undefined)) {
      const names = [...new Set(takers)].slice(0, 3).map((taker) => `"${routes[taker]!.name}"`)
      subject.warn(
        ['routes', index],
        `route "${routes[index]!.name}" can never match: ${names.join(' and ')} ${names.length === 1 ? 'takes' : 'take'} all of its requests before it`,
      )
    }
    for (const method of methods ?? ['']) if (!taken.has(method)) taken.set(method, index)
  }
}

/** Two routes with the same text here are asked for the same requests, but for their methods. */
function groupOf({ host = '', path, pathRegex, headers = {}, query = {} }: MatchConfig): string {
  const shape = pathRegex === undefined ? shapeOf(parsePathPattern(path ?? '/**') as PathPattern) : `regex ${pathRegex}`
  const conditions = [
    ...Object.entries(headers).map(([name, condition]) => ['header', name.toLowerCase(), condition]),
    ...Object.entries(query).map(([name, condition]) => ['query', name, condition]),
  ].map((condition) => JSON.stringify(condition))
  return [host.toLowerCase().replace(/\.$/, ''), shape, ...conditions.toSorted()].join('\n')
}

/** Parameters of other names are the same parameters. */
function shapeOf({ segments, tail }: PathPattern): string {
  return `${segments.map(({ text, parameter }) => (parameter ? '*' : `=${text}`)).join('/')} ${tail}`
}

function lintSplit({ split }: RouteConfig, index: number, subject: Subject): void {
  if (split === undefined) return
  const path = ['routes', index, 'split'] as const
  if (split.length === 1)
    subject.warn(path, `a split with one share is no split; write upstream: ${split[0]!.upstream}`, true)
  const first = new Map<string, number>()
  for (const [i, { upstream }] of split.entries()) {
    if (first.has(upstream))
      subject.warn([...path, i, 'upstream'], `upstream "${upstream}" has a share already; add the weights up`)
    else first.set(upstream, i)
  }
}
