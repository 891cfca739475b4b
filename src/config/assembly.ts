// Items that serve -> the configuration as a whole. What is as before is taken from there: lists are patched, not made anew.
import type { FilePart } from './file-part.ts'
import type { Item } from './item.ts'
import type { RejectedItem } from './resolution.ts'
import type { GatewayConfig, RouteConfig } from './schema.ts'
import type { Entry, SharedKind } from './shared-entry.ts'
import type { Slots } from './slots.ts'
import type { ToggleReader } from './toggle-reader.ts'
import type { UpstreamConfig } from './upstream-schema.ts'
import type { ValidConfig } from './valid-config.ts'

/** All that a configuration was made from. */
export interface State {
  readonly reader: ToggleReader
  readonly file: FilePart
  readonly slots: Slots
  /** Keys that are rejected: they are looked at again each time. */
  readonly rejected: ReadonlySet<string>
  /** Shared routes and upstreams that serve, sorted by key. */
  readonly routes: readonly Entry[]
  readonly upstreams: readonly Entry[]
  readonly config: ValidConfig
}

export interface Parts {
  readonly reader: ToggleReader
  readonly file: FilePart
  readonly slots: Slots
  /** Keys whose form is another than before. */
  readonly changed: ReadonlySet<string>
  readonly rejected: readonly RejectedItem[]
}

/** More changes than this, and a list is sorted as a whole. */
const MOST_PATCHES = 64
const NO_TOGGLES: ValidConfig['toggles']['global'] = Object.freeze([])
const NO_PATHS: ValidConfig['toggles']['paths'] = Object.freeze([])

/** `before`: made with the same plugins, or null. */
export function assemble(before: State | null, parts: Parts): State {
  const { reader, file, slots, rejected } = parts
  const routes = listOf('routes', before?.routes ?? null, parts)
  const upstreams = listOf('upstreams', before?.upstreams ?? null, parts)
  const rest = { reader, file, slots, rejected: new Set(rejected.map(({ key }) => key)) }
  const lists = { routes: routes.list, upstreams: upstreams.list }
  if (before !== null && before.file === file && parts.changed.size === 0) return { ...before, ...rest }
  const old = before?.config ?? null
  const plugins = file.plugins ?? slots.get('plugins')?.serves?.item ?? null
  const paths = file.paths ?? slots.get('paths')?.serves?.item ?? null
  const config = { ...file.rest } as GatewayConfig
  if (plugins !== null) config.plugins = plugins.value as NonNullable<GatewayConfig['plugins']>
  if (paths !== null) config.paths = paths.value as NonNullable<GatewayConfig['paths']>
  if (Object.hasOwn(file.rest, 'upstreams') || upstreams.list.length > 0)
    config.upstreams =
      before?.file === file && upstreams.patches?.length === 0
        ? old!.config.upstreams!
        : upstreamsOf(file, upstreams.list, old?.config)
  // Indexes are as before only if the routes of the file are.
  const base = before !== null && isEqual(file.routes, before.file.routes) ? old : null
  const patched = <T>(present: readonly T[] | undefined, pick: (item: Item<RouteConfig>) => T): readonly T[] =>
    combined(present, file.routes, routes, pick)
  config.routes = patched(base?.config.routes, ({ value }) => value) as RouteConfig[]
  const toggles = {
    global: plugins?.toggles ?? NO_TOGGLES,
    paths: paths?.paths ?? NO_PATHS,
    routes: patched(base?.toggles.routes, (item) => item.toggles),
  }
  const defaults = before?.reader === reader ? before.config.defaults : (name: string) => reader.defaults(name)
  return { ...rest, ...lists, config: { config: Object.freeze(config), toggles, defaults } }
}

function isEqual<T>(a: readonly T[], b: readonly T[]): boolean {
  return a === b || (a.length === b.length && a.every((entry, i) => entry === b[i]))
}

/** Something of each route: those of the file first, then the shared ones. `present`: what to patch, if anything. */
function combined<T>(
  present: readonly T[] | undefined,
  own: readonly Item<RouteConfig>[],
  { list, patches }: Patched,
  pick: (item: Item<RouteConfig>) => T,
): readonly T[] {
  const pickShared = ({ item }: Entry): T => pick(item as Item<RouteConfig>)
  if (present === undefined || patches === null) return Object.freeze([...own.map(pick), ...list.map(pickShared)])
  if (patches.length === 0) return present
  const next = [...present]
  for (const { at, removed, added } of patches) {
    if (removed === 1 && added !== null) next[own.length + at] = pickShared(added)
    else next.splice(own.length + at, removed, ...(added === null ? [] : [pickShared(added)]))
  }
  return Object.freeze(next)
}

function upstreamsOf(
  file: FilePart,
  shared: readonly Entry[],
  before: GatewayConfig | undefined,
): Record<string, UpstreamConfig> {
  const upstreams: Record<string, UpstreamConfig> = {}
  for (const [name, { value }] of file.upstreams) upstreams[name] = value
  for (const { name, item } of shared) upstreams[name] = (item as Item<UpstreamConfig>).value
  const old = before?.upstreams
  if (old !== undefined) {
    const names = Object.keys(upstreams)
    if (isEqual(names, Object.keys(old)) && names.every((name) => upstreams[name] === old[name])) return old
  }
  return Object.freeze(upstreams)
}

interface Patch {
  readonly at: number
  readonly removed: number
  readonly added: Entry | null
}

interface Patched {
  readonly list: readonly Entry[]
  /** What makes it from the list before, one after the other; null: it was made anew. */
  readonly patches: readonly Patch[] | null
}

/** The same list when nothing in it has changed. */
function listOf(kind: SharedKind, before: readonly Entry[] | null, { slots, changed }: Parts): Patched {
  const keys = [...changed].filter((key) => key.startsWith(`${kind}/`))
  if (before !== null && keys.length === 0) return { list: before, patches: [] }
  if (before === null || keys.length > MOST_PATCHES) {
    const list: Entry[] = []
    for (const { kind: own, serves } of slots.values()) if (own === kind && serves !== null) list.push(serves)
    return { list: list.sort((a, b) => (a.key < b.key ? -1 : 1)), patches: null }
  }
  const list = [...before]
  const patches = keys.map((key): Patch => {
    const at = placeOf(list, key)
    const added = slots.get(key)?.serves ?? null
    const removed = list[at]?.key === key ? 1 : 0
    list.splice(at, removed, ...(added === null ? [] : [added]))
    return { at, removed, added }
  })
  return { list, patches }
}

/** Index of the first entry whose key is not before `key`. */
function placeOf(list: readonly Entry[], key: string): number {
  let low = 0
  let high = list.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (list[middle]!.key < key) low = middle + 1
    else high = middle
  }
  return low
}
