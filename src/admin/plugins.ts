// Which plugins there are, where they are switched on, and what they cost.
import type { PluginInstance } from '../chain/instance.ts'
import type { CompiledSnapshot } from '../compile/snapshot.ts'
import type { Phases, Plugin } from '../contract/plugin.ts'
import { json, type Answer } from './answer.ts'
import type { AdminCall, Resource } from './resource.ts'
import type { AdminState } from './state.ts'

/** Places that are named; there may be one per route. */
const MOST_PLACES = 100

export interface PluginReport {
  readonly name: string
  readonly summary: string
  /** Its position, as the configuration has it */
  readonly order: number
  /** Of its instances; empty while there are none */
  readonly phases: readonly string[]
  /** The file of a plugin of the user's own; null: it comes with the gateway */
  readonly file: string | null
  /** One for all places with the same options; those of older snapshots count as long as requests use them */
  readonly instances: number
  /** Where the configuration switches it on: `plugins`, `paths./api/**`, `routes[2].plugins` */
  readonly enabledAt: readonly string[]
  /** There are more such places. */
  readonly more: boolean
  /** Calls of its access and request steps that were timed: one run in 64 */
  readonly timedCalls: number
  /** ms until they returned; null before the first */
  readonly meanTime: number | null
}

export const plugins: Resource = {
  method: 'GET',
  path: '/admin/v1/plugins',
  summary: 'the plugins: where they are on, and what they cost',
  access: 'read',
  parameters: [],
  atOnce: 2,
  handle: pluginReports,
}

function pluginReports(_call: AdminCall, state: AdminState): Answer {
  const { snapshot } = state
  const places = enabledPlaces(snapshot)
  const instances = state.plugins.instances.values()
  const reports = [...snapshot.plugins.values()].map((plugin) =>
    pluginReport(
      plugin,
      instances.filter((instance) => instance.plugin === plugin.name),
      [...(places.get(plugin.name) ?? [])],
      state,
    ),
  )
  return json({ plugins: reports })
}

function pluginReport(
  plugin: Plugin,
  instances: readonly PluginInstance[],
  places: readonly string[],
  state: AdminState,
): PluginReport {
  const { name, summary, order } = plugin
  // One record for all of them.
  const { calls, total } = instances[0]?.timing ?? { calls: 0, total: 0 }
  return {
    name,
    summary,
    order: state.snapshot.config.pluginOrder?.[name] ?? order,
    phases: [...new Set(instances.flatMap(({ phases }) => phaseNames(phases)))],
    file: state.fileOf(plugin),
    instances: instances.length,
    enabledAt: places.slice(0, MOST_PLACES),
    more: places.length > MOST_PLACES,
    timedCalls: calls,
    meanTime: calls === 0 ? null : total / calls,
  }
}

function phaseNames({ access, request, response, log, body }: Phases): string[] {
  const taken = { access, request, response, log, 'request-body': body?.request, 'response-body': body?.response }
  return Object.entries(taken).flatMap(([phase, step]) => (step === undefined ? [] : [phase]))
}

/** Plugin -> places, up to one more than are named. */
function enabledPlaces({ layers }: CompiledSnapshot): Map<string, Set<string>> {
  const places = new Map<string, Set<string>>()
  // Layers of `plugins` and `paths` are the same objects for every route.
  const seen = new Set<unknown>()
  for (const layer of layers.flatMap((each) => each.layers)) {
    if (seen.has(layer)) continue
    seen.add(layer)
    for (const { plugin, value, origin } of layer) {
      if (value === 'off') continue
      let found = places.get(plugin)
      if (found === undefined) places.set(plugin, (found = new Set<string>()))
      if (found.size <= MOST_PLACES) found.add(origin.where)
    }
  }
  return places
}
