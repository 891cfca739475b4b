// The routes of a snapshot: those that are as before are those of before, the others are compiled.
import { parsePathPattern, type PathPattern } from '../base/path-pattern.ts'
import { placesBefore } from '../base/places-before.ts'
import type { Slice } from '../base/slice.ts'
import type { ValidConfig } from '../config/load.ts'
import type { Toggle } from '../config/toggles.ts'
import type { Plugin } from '../contract/plugin.ts'
import type { Router } from '../router/router.ts'
import { UNMATCHED } from '../telemetry/request-metrics.ts'
import { PluginRefusal, PluginRefusals, routeLayers, type RouteLayers } from './chains.ts'
import { compileRoute, type RouteContext, type RouteParts, type RouteUnit } from './route-unit.ts'

/** What the routes of a snapshot were made from, and what came of it. */
export interface RoutesBefore {
  readonly config: ValidConfig['config']
  readonly toggles: ValidConfig['toggles']
  readonly plugins: ReadonlyMap<string, Plugin>
  /** By route number. */
  readonly units: readonly RouteUnit[]
  readonly unmatched: RouteUnit
}

export interface RouteUnits {
  readonly units: readonly RouteUnit[]
  readonly unmatched: RouteUnit
}

/** Refusals that are collected before the compiler gives up. */
const MOST_REFUSALS = 100

const EVERYTHING = parsePathPattern('/**') as PathPattern
const NO_TOGGLES: readonly Toggle[] = []

/** Every unit that is taken, or made, is given to `took` at once. Rejects with PluginRefusals. */
export async function takeRoutes(
  valid: ValidConfig,
  router: Router,
  before: RoutesBefore | null,
  context: RouteContext,
  slice: Slice,
  took: (unit: RouteUnit) => void,
): Promise<RouteUnits> {
  const { routes } = valid.config
  const places = placesBefore(before?.config.routes ?? [], routes)
  const compiler = new RouteCompiler(valid, before, context, took)
  const units: RouteUnit[] = []
  for (let i = 0; i < routes.length; i++) {
    const config = routes[i]!
    const unit = compiler.take(places[i]! < 0 ? null : before!.units[places[i]!]!, router.pattern(i), {
      config,
      label: config.name,
      own: valid.toggles.routes[i]!,
      parameters: router.names(i),
    })
    if (unit !== null) units.push(unit)
    if (slice.over) await slice.pause()
  }
  const unmatched = compiler.take(before?.unmatched ?? null, EVERYTHING, {
    config: null,
    label: UNMATCHED,
    own: NO_TOGGLES,
    parameters: [],
  })
  if (compiler.refusals.length > 0) throw new PluginRefusals(compiler.refusals)
  return { units, unmatched: unmatched! }
}

class RouteCompiler {
  readonly refusals: PluginRefusal[] = []
  readonly #refused = new Set<Toggle>()
  readonly #toggles: ValidConfig['toggles']
  readonly #context: RouteContext
  readonly #took: (unit: RouteUnit) => void
  readonly #sameLayers: boolean
  readonly #changedPlugins: ReadonlySet<string>

  constructor(
    { config, toggles }: ValidConfig,
    before: RoutesBefore | null,
    context: RouteContext,
    took: (unit: RouteUnit) => void,
  ) {
    this.#toggles = toggles
    this.#context = context
    this.#took = took
    this.#sameLayers = before?.toggles.global === toggles.global && before.toggles.paths === toggles.paths
    this.#changedPlugins = before === null ? new Set() : changedPlugins(before, config, context.chains.states.available)
  }

  /** `known`: the unit of the same route before. null: a plugin has refused its options. */
  take(known: RouteUnit | null, pattern: PathPattern | null, parts: Omit<RouteParts, 'layers'>): RouteUnit | null {
    const { own } = parts
    const layers =
      known !== null && known.own === own && this.#sameLayers ? known.layers : routeLayers(this.#toggles, pattern, own)
    const unit =
      known !== null && this.#isAsBefore(known, layers) && known.take() ? known : this.#compile(parts, layers)
    if (unit !== null) this.#took(unit)
    return unit
  }

  #isAsBefore({ layers: before, upstreams }: RouteUnit, layers: RouteLayers): boolean {
    if (before !== layers && !areSame(before, layers)) return false
    for (const upstream of upstreams)
      if (this.#context.upstreams.get(upstream.name)?.upstream !== upstream) return false
    if (this.#changedPlugins.size === 0) return true
    return !layers.layers.some((layer) => layer.some(({ plugin }) => this.#changedPlugins.has(plugin)))
  }

  #compile(parts: Omit<RouteParts, 'layers'>, layers: RouteLayers): RouteUnit | null {
    // A toggle that many routes share is refused once.
    if (this.#refused.size > 0 && layers.layers.some((layer) => layer.some((toggle) => this.#refused.has(toggle))))
      return null
    try {
      return compileRoute({ ...parts, layers }, this.#context)
    } catch (error) {
      if (!(error instanceof PluginRefusal)) throw error
      this.refusals.push(error)
      this.#refused.add(error.toggle)
      if (this.refusals.length === MOST_REFUSALS) throw new PluginRefusals(this.refusals)
      return null
    }
  }
}

function areSame(a: RouteLayers, b: RouteLayers): boolean {
  return (
    a.layers.length === b.layers.length &&
    a.layers.every((layer, i) => layer === b.layers[i]) &&
    a.conditions.every((condition, i) => condition?.source === b.conditions[i]?.source)
  )
}

/** Names of plugins that are others now, or stand elsewhere among the others. */
function changedPlugins(
  { plugins, config }: RoutesBefore,
  { pluginOrder: orders = {} }: ValidConfig['config'],
  available: ReadonlyMap<string, Plugin>,
): Set<string> {
  const { pluginOrder: ordersBefore = {} } = config
  const names = new Set([...plugins.keys(), ...available.keys()])
  return new Set(
    [...names].filter((name) => plugins.get(name) !== available.get(name) || ordersBefore[name] !== orders[name]),
  )
}
