// A valid configuration taken apart into lists whose entries change one by one, and the few rest; and put together again.
import type { PathToggles, ValidConfig } from '../config/load.ts'
import type { GatewayConfig } from '../config/schema.ts'
import type { Toggle } from '../config/toggles.ts'

/** Lists of many entries. Of records the names and the values are lists of their own, so that they keep their order. */
export const LISTS = [
  'routes',
  'routeToggles',
  'pathToggles',
  'upstreamNames',
  'upstreams',
  'pathNames',
  'paths',
] as const
export type ListName = (typeof LISTS)[number]
export type Lists = Readonly<Record<ListName, readonly unknown[]>>

export interface ConfigParts {
  readonly lists: Lists
  /** Everything else of the configuration by key; values that have not changed are the same objects. */
  readonly rest: Readonly<Record<string, unknown>>
  readonly global: readonly Toggle[]
  /** Which of the keys that lists are made of the configuration has at all. */
  readonly present: readonly string[]
}

const OF_LISTS = ['routes', 'upstreams', 'paths']
const NOTHING: ConfigParts = {
  lists: Object.fromEntries(LISTS.map((name) => [name, []])) as unknown as Lists,
  rest: {},
  global: [],
  present: [],
}

export function takeApart(valid: ValidConfig | null): ConfigParts {
  if (valid === null) return NOTHING
  const { config, toggles } = valid
  const { routes, upstreams = {}, paths = {} } = config
  return {
    lists: {
      routes: routes ?? [],
      routeToggles: toggles.routes,
      pathToggles: toggles.paths,
      upstreamNames: Object.keys(upstreams),
      upstreams: Object.values(upstreams),
      pathNames: Object.keys(paths),
      paths: Object.values(paths),
    },
    rest: Object.fromEntries(Object.entries(config).filter(([key]) => !OF_LISTS.includes(key))),
    global: toggles.global,
    present: OF_LISTS.filter((key) => Object.hasOwn(config, key)),
  }
}

/** `defaults`: options of plugins that are only switched on. */
export function putTogether(
  { lists, rest, global, present }: ConfigParts,
  defaults: ValidConfig['defaults'],
): ValidConfig {
  const config: Record<string, unknown> = { ...rest }
  if (present.includes('upstreams')) config['upstreams'] = record(lists.upstreamNames, lists.upstreams)
  if (present.includes('paths')) config['paths'] = record(lists.pathNames, lists.paths)
  if (present.includes('routes')) config['routes'] = Object.freeze(lists.routes)
  return {
    config: Object.freeze(config) as unknown as GatewayConfig,
    toggles: {
      global,
      paths: lists.pathToggles as readonly PathToggles[],
      routes: lists.routeToggles as readonly (readonly Toggle[])[],
    },
    defaults,
  }
}

function record(names: readonly unknown[], values: readonly unknown[]): Readonly<Record<string, unknown>> {
  return Object.freeze(Object.fromEntries(names.map((name, i) => [name as string, values[i]])))
}
