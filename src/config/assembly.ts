// Items that serve -> the configuration as a whole. What is as before is taken from there: lists are patched, not made anew.
import type { FilePart } from './file-part.ts'
import type { Item } from './item.ts'
import type { RejectedItem, Slot } from './resolution.ts'
import type { GatewayConfig, RouteConfig } from './schema.ts'
import type { Entry, SharedKind } from './shared-entry.ts'
import type { ToggleReader } from './toggle-reader.ts'
import type { UpstreamConfig } from './upstream-schema.ts'
import type { ValidConfig } from './valid-config.ts'

/** All that a configuration was made from. */
export interface State {
  readonly reader: ToggleReader
  readonly file: FilePart
  readonly slots: ReadonlyMap<string, Slot>
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
  readonly slots: ReadonlyMap<string, Slot>
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
  const rest = { reader, file, slots, rejected: new Set(rejected.map(({ key }) => key)), routes, upstreams }
  if (before !== null && before.file === file && parts.changed.size === 0) return { ...rest, config: before.config }
  const old = before?.config ?? null
  const same = before?.file === file
  const plugins = file.plugins ?? slots.get('plugins')?.serves?.item ?? null
  const paths = file.paths ?? slots.get('paths')?.serves?.item ?? null
  const config = { ...file.rest } as GatewayConfig
  if (plugins !== null) config.plugins = plugins.value as NonNullable<GatewayConfig['plugins']>
  if (paths !== null) config.paths = paths.value as NonNullable<GatewayConfig['paths']>
  const hasUpstreams = Object.hasOwn(file.rest, 'upstreams') || upstreams.length > 0
  if (hasUpstreams)
    config.upstreams =
      same && upstreams === before.upstreams ? old!.config.upstreams! : upstreamsOf(file, upstreams, old?.config)
  const keepRoutes = before !== null && routes === before.routes && isEqual(file.routes, before.file.routes)
  config.routes = keepRoutes ? old!.config.routes : routesOf(file, routes)
  const toggles = {
    global: plugins?.toggles ?? NO_TOGGLES,
    paths: paths?.paths ?? NO_PATHS,
    routes: keepRoutes ? old!.toggles.routes : togglesOf(file, routes),
  }
  const defaults = old !== null && before!.reader === reader ? old.defaults : (name: string) => reader.defaults(name)
  return { ...rest, config: { config: Object.freeze(config), toggles, defaults } }
}

function isEqual<T>(a: readonly T[], b: readonly T[]): boolean {
  return a === b || (a.length === b.length && a.every((entry, i) => entry === b[i]))
}

function routesOf(file: FilePart, shared: readonly Entry[]): RouteConfig[] {
  const routes = file.routes.map(({ value }) => value)
  for (const { item } of shared) routes.push((item as Item<RouteConfig>).value)
  return Object.freeze(routes) as RouteConfig[]
}

function togglesOf(file: FilePart, shared: readonly Entry[]): ValidConfig['toggles']['routes'] {
  const toggles = file.routes.map((item) => item.toggles)
  for (const { item } of shared) toggles.push(item!.toggles)
  return Object.freeze(toggles)
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

/** The same list when nothing in it has changed. */
function listOf(kind: SharedKind, before: readonly Entry[] | null, { slots, changed }: Parts): readonly Entry[] {
  const keys = [...changed].filter((key) => key.startsWith(`${kind}/`))
  if (before !== null && keys.length === 0) return before
  if (before === null || keys.length > MOST_PATCHES) {
    const list: Entry[] = []
    for (const { kind: own, serves } of slots.values()) if (own === kind && serves !== null) list.push(serves)
    return list.sort((a, b) => (a.key < b.key ? -1 : 1))
  }
  const list = [...before]
  for (const key of keys) {
    const at = placeOf(list, key)
    const serves = slots.get(key)?.serves ?? null
    list.splice(at, list[at]?.key === key ? 1 : 0, ...(serves === null ? [] : [serves]))
  }
  return list
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
