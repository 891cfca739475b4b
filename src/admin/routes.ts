// The compiled table in matching order, and what a request would meet in it.
import { inOrder } from '../chain/compile.ts'
import type { RouteLayers } from '../compile/chains.ts'
import { explainRequest, readRequest, UnusableRequest } from '../compile/explain.ts'
import { routeRow, type RouteRow } from '../compile/route-table.ts'
import type { CompiledSnapshot } from '../compile/snapshot.ts'
import { json, Refusal, type Answer } from './answer.ts'
import type { AdminCall, Resource } from './resource.ts'
import { textOfEach } from './slices.ts'
import type { AdminState } from './state.ts'

const MOST_HEADERS = 100

interface RoutePlugin {
  readonly plugin: string
  readonly enabled: boolean
  /** Patterns of `paths` that say something else for some of the paths of the route. */
  readonly varies: readonly string[]
}

export interface RouteReport extends RouteRow {
  /** In order. */
  readonly plugins: readonly RoutePlugin[]
}

export const routes: Resource = {
  method: 'GET',
  path: '/admin/v1/routes',
  summary: 'the routes in matching order, with their plugins',
  access: 'read',
  parameters: [],
  atOnce: 2,
  async handle({ signal }, state) {
    const { snapshot } = state
    const write = (index: number): string => JSON.stringify(routeReport(snapshot, index))
    const rows = await textOfEach(snapshot.router.order(), write, signal)
    return { type: 'application/json', body: `{"version":${snapshot.version},"routes":[${rows.join(',')}]}` }
  },
}

export const explain: Resource = {
  method: 'GET',
  path: '/admin/v1/explain',
  summary: 'what a request would meet, and why',
  access: 'read',
  parameters: ['method', 'url', 'header'],
  handle: explained,
}

function explained({ query }: AdminCall, state: AdminState): Answer {
  const method = query.text('method') ?? 'GET'
  const url = query.required('url', 'of the request: http://host/path, or a path')
  const fields = query.all('header')
  if (fields.length > MOST_HEADERS) throw new Refusal(400, `at most ${MOST_HEADERS} headers are taken`)
  try {
    return json(explainRequest(state.snapshot, state.file, readRequest(method, url, fields)))
  } catch (error) {
    throw error instanceof UnusableRequest ? new Refusal(400, error.message) : error
  }
}

function routeReport(snapshot: CompiledSnapshot, index: number): RouteReport {
  const { config, plugins } = snapshot
  const orders = config.pluginOrder ?? {}
  const listed = routePlugins(snapshot.layers[index]!).map((each) => ({
    ...each,
    order: orders[each.plugin] ?? plugins.get(each.plugin)!.order,
  }))
  return {
    ...routeRow(config, config.routes[index]!),
    plugins: inOrder(listed).map(({ order: _order, ...each }) => each),
  }
}

function routePlugins({ layers, conditions }: RouteLayers): RoutePlugin[] {
  const enabled = new Map<string, boolean>()
  const varies = new Map<string, string[]>()
  for (const [i, layer] of layers.entries()) {
    const condition = conditions[i] ?? null
    for (const { plugin, value } of layer) {
      if (condition === null) {
        // It overrules what was said for some of the paths before.
        varies.delete(plugin)
        enabled.set(plugin, value !== 'off')
      } else varies.set(plugin, [...(varies.get(plugin) ?? []), condition.source])
    }
  }
  return [...new Set([...enabled.keys(), ...varies.keys()])]
    .map((plugin) => ({ plugin, enabled: enabled.get(plugin) ?? false, varies: varies.get(plugin) ?? [] }))
    .filter((each) => each.enabled || each.varies.length > 0)
}
