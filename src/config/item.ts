// The parts that a configuration is made of, each validated by itself: a route, an upstream, the plugins of all routes, and
// those of paths. What an item needs of others (an upstream that it names) is written down here and checked by resolution.ts.
import type { TSchema } from 'typebox'
import Value from 'typebox/value'
import { compareSpecificity, parsePathPattern, type PathPattern } from '../base/path-pattern.ts'
import { isRecord, type Path } from './document.ts'
import { pathPatternProblem } from './formats.ts'
import { deepFreeze, isSame } from './frozen.ts'
import { inspect } from './inspect.ts'
import { pointer } from './pointer.ts'
import { records } from './raw.ts'
import { checkRoute } from './references.ts'
import { GatewaySchema, RouteSchema, type RouteConfig } from './schema.ts'
import type { Place, PluginSchema, PluginSchemas, ToggleReader } from './toggle-reader.ts'
import type { Toggle } from './toggles.ts'
import { checkUpstream } from './upstream-references.ts'
import { UpstreamSchema, type UpstreamConfig } from './upstream-schema.ts'

export interface PathToggles {
  readonly pattern: PathPattern
  readonly toggles: readonly Toggle[]
}

/** A name that must be there, and the place within the item that has it. */
export interface Mention {
  readonly name: string
  readonly path: Path
}

export interface Item<T = unknown> {
  /** As it was written: two that are written alike are the same item. */
  readonly raw: unknown
  /** With defaults and numbers for units; frozen. */
  readonly value: T
  readonly toggles: readonly Toggle[]
  /** Of the item `paths`, least specific first. */
  readonly paths: readonly PathToggles[]
  /** Upstreams that it names. */
  readonly mentions: readonly Mention[]
  /** Plugins that it switches on and that have required options: some layer must bring them. */
  readonly switchedOn: readonly Mention[]
  /** Plugins that it brings options for, where others may switch them on. */
  readonly brings: ReadonlySet<string>
  /** What its plugins were when it was read. */
  readonly schemas: ReadonlyMap<string, PluginSchema | undefined>
}

const NOTHING: Pick<Item, 'toggles' | 'paths' | 'mentions' | 'switchedOn' | 'brings' | 'schemas'> = {
  toggles: [],
  paths: [],
  mentions: [],
  switchedOn: [],
  brings: new Set(),
  schemas: new Map(),
}

/** Is it still what it was, with these plugins? */
export function isCurrent(item: Item, plugins: PluginSchemas): boolean {
  for (const [name, schema] of item.schemas) if (plugins.get(name) !== schema) return false
  return true
}

/** `path` is that of the route in the configuration: `['routes', 2]`. */
export function readRoute(raw: unknown, path: Path, place: Place, reader: ToggleReader): Item<RouteConfig> {
  const value = judged(RouteSchema, raw, path, place, () => {
    if (isRecord(raw)) checkRoute(raw, path, place.report)
  }) as RouteConfig
  if (!isRecord(raw)) return { raw, value, ...NOTHING }
  const at: Path = [...path, 'plugins']
  const mentions: Mention[] = []
  if (typeof raw['upstream'] === 'string') mentions.push({ name: raw['upstream'], path: ['upstream'] })
  for (const [i, { upstream }] of records(raw['split']))
    if (typeof upstream === 'string') mentions.push({ name: upstream, path: ['split', i, 'upstream'] })
  return {
    ...NOTHING,
    raw,
    value,
    mentions,
    toggles: reader.read(raw['plugins'], at, place),
    ...pluginsOf(raw['plugins'], ['plugins'], reader, false),
  }
}

export function readUpstream(name: string, raw: unknown, place: Place): Item<UpstreamConfig> {
  const path = ['upstreams', name]
  const value = judged(UpstreamSchema, raw, path, place, () => {
    if (isRecord(raw)) checkUpstream(name, raw, path, place.report)
  }) as UpstreamConfig
  const fallback = isRecord(raw) && isRecord(raw['fallback']) ? raw['fallback']['upstream'] : undefined
  const mentions = typeof fallback === 'string' ? [{ name: fallback, path: ['fallback', 'upstream'] }] : []
  return { ...NOTHING, raw, value, mentions }
}

const { plugins: PLUGINS, paths: PATHS } = GatewaySchema.properties

export function readPlugins(raw: unknown, place: Place, reader: ToggleReader): Item {
  const value = judged(PLUGINS, raw, ['plugins'], place)
  return { ...NOTHING, raw, value, toggles: reader.read(raw, ['plugins'], place), ...pluginsOf(raw, [], reader, true) }
}

/** What `before` has of the same patterns, written alike, is taken from there. */
export function readPaths(raw: unknown, place: Place, reader: ToggleReader, before: Item | null): Item {
  const value = judged(PATHS, raw, ['paths'], place)
  if (!isRecord(raw)) return { ...NOTHING, raw, value }
  const paths: PathToggles[] = []
  const found = {
    switchedOn: [] as Mention[],
    brings: new Set<string>(),
    schemas: new Map<string, PluginSchema | undefined>(),
  }
  for (const [source, written] of Object.entries(raw)) {
    const problem = pathPatternProblem(source)
    if (problem !== '') place.report(['paths', source], problem, true)
    const { switchedOn, brings, schemas } = pluginsOf(written, [source], reader, true)
    found.switchedOn.push(...switchedOn)
    for (const name of brings) found.brings.add(name)
    for (const [name, schema] of schemas) found.schemas.set(name, schema)
    const toggles = reader.read(written, ['paths', source], place)
    if (problem !== '') continue
    const same = kept(before, source, written, schemas)
    for (const [i, { origin }] of (same?.toggles ?? []).entries()) place.moved(origin, toggles[i]!.origin)
    paths.push(same ?? { pattern: parsePathPattern(source) as PathPattern, toggles })
  }
  paths.sort((a, b) => compareSpecificity(a.pattern, b.pattern))
  return { ...NOTHING, raw, value, paths, ...found }
}

function kept(
  before: Item | null,
  source: string,
  written: unknown,
  schemas: ReadonlyMap<string, PluginSchema | undefined>,
): PathToggles | undefined {
  if (before === null || !isSame((before.raw as Record<string, unknown>)[source], written)) return undefined
  for (const [name, schema] of schemas) if (before.schemas.get(name) !== schema) return undefined
  return before.paths.find(({ pattern }) => pattern.source === source)
}

/** The item was there before and is written elsewhere now. `path` is that of the item in the configuration. */
export function moveToggles({ toggles, paths }: Item, path: Path, place: Place): void {
  const move = (moved: readonly Toggle[], at: Path): void => {
    const where = place.key(at)
    for (const { plugin, origin } of moved)
      place.moved(origin, { ...origin, where, ...place.at([...at, plugin], true) })
  }
  if (toggles.length > 0) move(toggles, path[0] === 'routes' ? [...path, 'plugins'] : path)
  for (const { pattern, toggles: own } of paths) move(own, [...path, pattern.source])
}

/** The teacher first, then the other checks; TypeBox has the last word, since the teacher may not know a keyword. */
function judged(schema: TSchema, raw: unknown, path: Path, place: Place, check = (): void => {}): unknown {
  let faultless = true
  const value = inspect(schema, raw, path, (...problem) => {
    faultless = false
    place.report(...problem)
  })
  check()
  if (faultless)
    for (const error of Value.Errors(schema, raw))
      place.report([...path, ...pointer(error.instancePath)], error.message)
  return deepFreeze(value)
}

function pluginsOf(raw: unknown, path: Path, reader: ToggleReader, isLayer: boolean) {
  const switchedOn: Mention[] = []
  const brings = new Set<string>()
  const schemas = new Map<string, PluginSchema | undefined>()
  for (const [name, written] of Object.entries(isRecord(raw) ? raw : {})) {
    schemas.set(name, reader.plugins.get(name))
    if (isLayer && isRecord(written)) brings.add(name)
    const on = written === 'on' || written === true
    if (on && reader.plugins.has(name) && reader.defaults(name) === undefined)
      switchedOn.push({ name, path: [...path, name] })
  }
  return { switchedOn, brings, schemas }
}
