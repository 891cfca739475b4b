// What the configuration file says: its items, and what is not an item (listeners, admin, observability...).
import Value from 'typebox/value'
import { isRecord, type ConfigDocument, type Path } from './document.ts'
import { dotted, inspect } from './inspect.ts'
import { isCurrent, moveToggles, readPaths, readPlugins, readRoute, readUpstream, type Item } from './item.ts'
import { Moves } from './moves.ts'
import { pointer } from './pointer.ts'
import type { Problem } from './problem.ts'
import type { Raw } from './raw.ts'
import { checkGateway } from './references.ts'
import { deepFreeze, isSame } from './frozen.ts'
import { GatewaySchema, type RouteConfig } from './schema.ts'
import type { Place, ToggleReader } from './toggle-reader.ts'
import type { UpstreamConfig } from './upstream-schema.ts'
import type { Work } from './work.ts'

export interface FilePart {
  readonly document: ConfigDocument
  readonly problems: readonly Problem[]
  /** Everything but routes, upstreams, plugins and paths. */
  readonly rest: Readonly<Record<string, unknown>>
  readonly routes: readonly Item<RouteConfig>[]
  readonly routeNames: ReadonlySet<string>
  readonly upstreams: ReadonlyMap<string, Item<UpstreamConfig>>
  readonly plugins: Item | null
  readonly paths: Item | null
  readonly moves: Moves
  /** Is there a shared store, or was one announced? */
  readonly shared: boolean
}

/** A place in the file. */
export class FilePlace implements Place {
  readonly #document: ConfigDocument
  readonly problems: Problem[]
  readonly moves = new Moves()

  constructor(document: ConfigDocument, problems: Problem[]) {
    this.#document = document
    this.problems = problems
  }

  at(path: Path, onKey = false) {
    return this.#document.at(path, onKey)
  }

  key(path: Path): string {
    return dotted(path)
  }

  readonly report = (path: Path, message: string, onKey = false): void =>
    void this.problems.push({ file: this.#document.file, ...this.at(path, onKey), key: dotted(path), message })

  moved(...move: Parameters<Moves['add']>): void {
    this.moves.add(...move)
  }
}

/** Items of `before`, which has no problems, are taken from there when they are written alike. */
export function* readFilePart(
  document: ConfigDocument,
  reader: ToggleReader,
  before: FilePart | null,
  shared: boolean,
): Work<FilePart> {
  const place = new FilePlace(document, [...document.problems])
  const { problems, report } = place
  const raw = isRecord(document.value) ? document.value : {}
  const written = document.value !== undefined && document.value !== null
  if (!written && problems.length === 0) report([], 'the file is empty; a configuration begins with "version: 1"')
  const rest = written ? readRest(document.value, place, reader, before, shared) : {}
  const plugins = readLayer('plugins', raw, place, reader, before?.plugins ?? null)
  const paths = readLayer('paths', raw, place, reader, before?.paths ?? null)
  const routes = yield* readRoutes(raw['routes'], place, reader, before)
  const upstreams = new Map<string, Item<UpstreamConfig>>()
  for (const [name, value] of Object.entries(isRecord(raw['upstreams']) ? raw['upstreams'] : {})) {
    const same = before?.upstreams.get(name)
    upstreams.set(name, same !== undefined && isSame(same.raw, value) ? same : readUpstream(name, value, place))
    yield
  }
  const routeNames = new Set(routes.map(({ value }) => (isRecord(value) ? value.name : '')))
  return { document, problems, rest, routes, routeNames, upstreams, plugins, paths, moves: place.moves, shared }
}

function* readRoutes(
  list: unknown,
  place: Place,
  reader: ToggleReader,
  before: FilePart | null,
): Work<Item<RouteConfig>[]> {
  const known = new Map((before?.routes ?? []).map((item) => [item.value.name, item]))
  const routes: Item<RouteConfig>[] = []
  for (const [i, raw] of (Array.isArray(list) ? (list as unknown[]) : []).entries()) {
    const same = isRecord(raw) ? known.get(raw['name'] as string) : undefined
    if (same !== undefined && isSame(same.raw, raw) && isCurrent(same, reader.plugins)) {
      moveToggles(same, ['routes', i], place)
      routes.push(same)
    } else routes.push(readRoute(raw, ['routes', i], place, reader))
    yield
  }
  return routes
}

function readLayer(
  key: 'plugins' | 'paths',
  raw: Raw,
  place: Place,
  reader: ToggleReader,
  before: Item | null,
): Item | null {
  if (!Object.hasOwn(raw, key)) return null
  if (before !== null && isSame(before.raw, raw[key]) && isCurrent(before, reader.plugins)) {
    moveToggles(before, [key], place)
    return before
  }
  return key === 'plugins' ? readPlugins(raw[key], place, reader) : readPaths(raw[key], place, reader, before)
}

function readRest(
  value: unknown,
  place: FilePlace,
  reader: ToggleReader,
  before: FilePart | null,
  shared: boolean,
): Readonly<Record<string, unknown>> {
  const { report } = place
  const outline = isRecord(value) ? outlineOf(value) : value
  const count = place.problems.length
  const config = inspect(GatewaySchema, outline, [], report)
  if (isRecord(value)) {
    if (!Object.hasOwn(value, 'routes') && !hasStore(value)) report([], '"routes" is missing')
    checkGateway(value, report, shared || hasStore(value))
    if (isRecord(value['pluginOrder']))
      for (const name of Object.keys(value['pluginOrder']))
        if (!reader.plugins.has(name)) reader.unknown(name, ['pluginOrder', name], report)
  }
  if (place.problems.length === count)
    for (const error of Value.Errors(GatewaySchema, outline)) report(pointer(error.instancePath), error.message)
  if (!isRecord(config)) return {}
  for (const [key, present] of Object.entries(before?.rest ?? {}))
    if (Object.hasOwn(config, key) && isSame(config[key], present)) config[key] = present
  return deepFreeze(config)
}

/** The items are read one by one. */
function outlineOf(value: Raw): Raw {
  const outline: Record<string, unknown> = { ...value }
  if (Array.isArray(value['routes'])) outline['routes'] = []
  for (const key of ['upstreams', 'paths', 'plugins']) if (isRecord(value[key])) outline[key] = {}
  return outline
}

/** Do further items come from a store that is shared? */
export function hasStore(value: unknown): boolean {
  const control = isRecord(value) ? value['control'] : undefined
  return isRecord(control) && Object.hasOwn(control, 'etcd')
}
