// The difference of two configurations, item by item, with their secrets concealed.
import type { TSchema } from 'typebox'
import { Slice } from '../base/slice.ts'
import { concealedConfig, concealedRoute } from './concealed.ts'
import { differences, isEqual, type Shown, type ValueChange } from './difference.ts'
import { isRecord } from './document.ts'
import { dotted } from './inspect.ts'
import { movedOf } from './moved.ts'
import type { RouteConfig } from './schema.ts'

export interface Change {
  /** `routes/NAME`, `upstreams/NAME`, `paths`, `plugins`, or another key of the configuration */
  readonly key: string
  /** Within the item, as `match.path`; '' for all of it. */
  readonly path: string
  /** moved: a route that stands behind another one now; `before` and `after` name those that it stands behind. */
  readonly kind: 'added' | 'removed' | 'changed' | 'moved'
  /** Absent when it is new. */
  readonly before?: unknown
  /** Absent when it is gone. */
  readonly after?: unknown
}

type Plugins = ReadonlyMap<string, { readonly schema: TSchema }>

/**
 * Both as they were written, or both in force (`ValidConfig.config`), or as the admin API shows them. What is the same
 * object in both is not looked at. Linear in time; others run meanwhile.
 */
export async function diffConfigs(before: unknown, after: unknown, plugins: Plugins = new Map()): Promise<Change[]> {
  const comparison = new Comparison(plugins)
  const [was, is] = [recordOf(before), recordOf(after)]
  let moved: Change[] = []
  for (const key of new Set([...Object.keys(was), ...Object.keys(is)])) {
    if (was[key] === is[key]) continue
    if (key === 'routes') {
      const unlike = unlikeRoutes(listOf(was[key]), listOf(is[key]))
      const [left, come] = [byName(unlike.before, unlike.from), byName(unlike.after, unlike.from)]
      await comparison.items('routes/', left, come, routeOf)
      moved = unlike.inPlace ? [] : moves([...left.keys()], [...come.keys()])
    } else if (key === 'upstreams')
      await comparison.items('upstreams/', mapOf(was[key]), mapOf(is[key]), memberOf('upstreams'))
    else await comparison.items('', mapOf({ [key]: was[key] }), mapOf({ [key]: is[key] }), topOf)
  }
  return [...comparison.found, ...moved]
}

interface UnlikeRoutes {
  readonly before: readonly unknown[]
  readonly after: readonly unknown[]
  /** Place of the first of both lists. */
  readonly from: number
  /** Every route stands where it stood: what is here are those of which something else has changed. */
  readonly inPlace: boolean
}

/**
 * The routes without those that are the same objects: of ten thousand a few have changed. One that is the same stays in
 * front, as what the next ones stand behind.
 */
function unlikeRoutes(before: readonly unknown[], after: readonly unknown[]): UnlikeRoutes {
  const common = Math.min(before.length, after.length)
  if (before.length === after.length) {
    const changed: number[] = []
    let inPlace = true
    for (let i = 0; i < common && inPlace; i++) {
      if (before[i] === after[i]) continue
      changed.push(i)
      inPlace = nameOf(before[i]) !== null && nameOf(before[i]) === nameOf(after[i])
    }
    if (inPlace) return { before: changed.map((i) => before[i]), after: changed.map((i) => after[i]), from: 0, inPlace }
  }
  let start = 0
  while (start < common && before[start] === after[start]) start++
  let tail = 0
  while (tail < common - start && before.at(-1 - tail) === after.at(-1 - tail)) tail++
  const from = Math.max(0, start - 1)
  return {
    before: before.slice(from, before.length - tail),
    after: after.slice(from, after.length - tail),
    from,
    inPlace: false,
  }
}

/** Routes that both have and that stand elsewhere among the others now: the fewest that explain the new order. */
function moves(was: readonly string[], is: readonly string[]): Change[] {
  const moved = new Set(movedOf(was, is))
  if (moved.size === 0) return []
  const placeBefore = new Map(was.map((name, i) => [name, i]))
  return is.flatMap((name, i): Change[] => {
    if (!moved.has(name)) return []
    const [first, then] = [was[placeBefore.get(name)! - 1] ?? null, is[i - 1] ?? null]
    return [{ key: `routes/${name}`, path: '', kind: 'moved', before: first, after: then }]
  })
}

/** How an item is shown. */
type Conceal = (name: string, value: unknown, plugins: Plugins) => unknown

const routeOf: Conceal = (_name, value, plugins) => concealedRoute(value as RouteConfig, plugins)

const topOf: Conceal = (key, value, plugins) => recordOf(concealedConfig({ [key]: value }, plugins))[key]

function memberOf(key: string): Conceal {
  return (name, value, plugins) => recordOf(topOf(key, { [name]: value }, plugins))[name]
}

class Comparison {
  readonly found: Change[] = []
  readonly #plugins: Plugins
  readonly #slice = new Slice()

  constructor(plugins: Plugins) {
    this.#plugins = plugins
  }

  async items(
    prefix: string,
    before: ReadonlyMap<string, unknown>,
    after: ReadonlyMap<string, unknown>,
    conceal: Conceal,
  ): Promise<void> {
    for (const name of new Set([...before.keys(), ...after.keys()])) {
      this.#item(prefix + name, name, before.get(name), after.get(name), conceal)
      if (this.#slice.over) await this.#slice.pause()
    }
  }

  #item(key: string, name: string, before: unknown, after: unknown, conceal: Conceal): void {
    if (before === after || isEqual(before, after)) return
    const shownOf = (raw: unknown): Shown => ({
      raw,
      shown: raw === undefined ? undefined : conceal(name, raw, this.#plugins),
    })
    const [was, is] = [shownOf(before), shownOf(after)]
    if (before === undefined) this.found.push({ key, path: '', kind: 'added', after: is.shown })
    else if (after === undefined) this.found.push({ key, path: '', kind: 'removed', before: was.shown })
    else for (const change of differences(was, is)) this.found.push(changeOf(key, change))
  }
}

function changeOf(key: string, { path, ...values }: ValueChange): Change {
  const kind = !('before' in values) ? 'added' : !('after' in values) ? 'removed' : 'changed'
  return { key, path: dotted(path), kind, ...values }
}

/** One line for each change: `~ routes/users.match.path: "/a" -> "/b"`, and + or - for what is new or gone. */
export function changeLine({ key, path, kind, before, after }: Change): string {
  const place = `${key}${path === '' || path.startsWith('[') ? '' : '.'}${path}`
  const [was, is] = [JSON.stringify(before), JSON.stringify(after)]
  if (kind === 'added') return `+ ${place}: ${is}`
  if (kind === 'removed') return `- ${place}: ${was}`
  if (kind === 'moved') return `~ ${place}: moved, ${behind(before)} -> ${behind(after)}`
  return `~ ${place}: ${was} -> ${is}`
}

function behind(name: unknown): string {
  return name === null ? 'the first' : `behind ${JSON.stringify(name)}`
}

/** Routes by name; one without a usable name by its place. `from`: that of the first. */
function byName(routes: readonly unknown[], from: number): ReadonlyMap<string, unknown> {
  const named = new Map<string, unknown>()
  for (const [i, route] of routes.entries()) {
    const name = nameOf(route) ?? `[${from + i}]`
    named.set(named.has(name) ? `[${from + i}]` : name, route)
  }
  return named
}

function nameOf(route: unknown): string | null {
  return isRecord(route) && typeof route['name'] === 'string' ? route['name'] : null
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : []
}

function mapOf(value: unknown): ReadonlyMap<string, unknown> {
  return new Map(Object.entries(recordOf(value)).filter(([, entry]) => entry !== undefined))
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {}
}
