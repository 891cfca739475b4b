// The routes of a snapshot: those that are as before are those of before, the others are compiled.
import { parsePathPattern, type PathPattern } from '../base/path-pattern.ts'
import { placesBefore } from '../base/places-before.ts'
import type { Slice } from '../base/slice.ts'
import type { ValidConfig } from '../config/load.ts'
import type { Toggle } from '../config/toggles.ts'
import type { Plugin } from '../contract/plugin.ts'
import type { Route } from '../contract/snapshot.ts'
import type { Router } from '../router/router.ts'
import { UNMATCHED } from '../telemetry/request-metrics.ts'
import { PluginRefusal, PluginRefusals, routeLayers, type RouteLayers } from './chains.ts'
import type { SharedUnit } from './shared-unit.ts'
import type { UpstreamUnits } from './upstream-units.ts'
import { compileRoute, type RouteContext, type RouteParts, type RouteUnit } from './route-unit.ts'

/** By route number. */
export interface RouteUnits {
  readonly units: readonly RouteUnit[]
  /** Of the units, so that nobody has to go through all of these. */
  readonly routes: readonly Route[]
  readonly layers: readonly RouteLayers[]
  readonly unmatched: RouteUnit
}

/** What the routes of a snapshot were made from, and what came of it. */
export interface RoutesBefore extends RouteUnits {
  readonly config: ValidConfig['config']
  readonly toggles: ValidConfig['toggles']
  readonly plugins: ReadonlyMap<string, Plugin>
  readonly upstreams: UpstreamUnits
}

/** Refusals that are collected before the compiler gives up. */
const MOST_REFUSALS = 100

const EVERYTHING = parsePathPattern('/**') as PathPattern
const NO_TOGGLES: readonly Toggle[] = []

/** Every unit that is taken, or made, is put into `taken` at once. Rejects with PluginRefusals. */
export async function takeRoutes(
  valid: ValidConfig,
  router: Router,
  before: RoutesBefore | null,
  context: RouteContext,
  slice: Slice,
  taken: SharedUnit[],
): Promise<RouteUnits> {
  const { config, toggles } = valid
  const compiler = new RouteCompiler(valid, before, context, taken)
  const places = placesBefore(before?.config.routes ?? [], config.routes)
  const units: RouteUnit[] = []
  const routes: Route[] = []
  const layers: RouteLayers[] = []
  for (let i = 0; i < places.length; i++) {
    const place = places[i]!
    const own = toggles.routes[i]!
    const known = place < 0 || before!.toggles.routes[place] !== own ? null : before!.units[place]!
    if (known !== null && compiler.sharesAll && compiler.take(known)) {
      units.push(known)
      routes.push(before!.routes[place]!)
      layers.push(before!.layers[place]!)
      continue
    }
    const route = config.routes[i]!
    const parts = { config: route, label: route.name, own, parameters: router.names(i) }
    const unit = compiler.takeOrMake(known, router.pattern(i), parts)
    if (unit !== null) {
      units.push(unit)
      routes.push(unit.route)
      layers.push(unit.layers)
    }
    if (slice.over) await slice.pause()
  }
  const nothing = { config: null, label: UNMATCHED, own: NO_TOGGLES, parameters: [] }
  const unmatched = compiler.takeOrMake(before?.unmatched ?? null, EVERYTHING, nothing)
  if (compiler.refusals.length > 0) throw new PluginRefusals(compiler.refusals)
  return { units, routes, layers, unmatched: unmatched! }
}

class RouteCompiler {
  readonly refusals: PluginRefusal[] = []
  readonly #refused = new Set<Toggle>()
  readonly #toggles: ValidConfig['toggles']
  readonly #context: RouteContext
  readonly #taken: SharedUnit[]
  readonly #sameLayers: boolean
  readonly #changedPlugins: ReadonlySet<string>
  /** All that routes have in common is as before. */
  readonly sharesAll: boolean

  constructor(
    { config, toggles }: ValidConfig,
    before: RoutesBefore | null,
    context: RouteContext,
    taken: SharedUnit[],
  ) {
    const { upstreams, plugins } = context
    this.#toggles = toggles
    this.#context = context
    this.#taken = taken
    this.#sameLayers = before?.toggles.global === toggles.global && before.toggles.paths === toggles.paths
    this.#changedPlugins = before === null ? new Set() : changedPlugins(before, config, plugins.available)
    this.sharesAll =
      before !== null &&
      this.#sameLayers &&
      this.#changedPlugins.size === 0 &&
      (before.upstreams === upstreams || [...before.upstreams].every(([name, unit]) => upstreams.get(name) === unit))
  }

  take(unit: RouteUnit): boolean {
    if (!unit.take()) return false
    this.#taken.push(unit)
    return true
  }

  /** `known`: the unit of the same route, with the same toggles, before. null: a plugin has refused its options. */
  takeOrMake(
    known: RouteUnit | null,
    pattern: PathPattern | null,
    parts: Omit<RouteParts, 'layers'>,
  ): RouteUnit | null {
    const layers = known !== null && this.#sameLayers ? known.layers : routeLayers(this.#toggles, pattern, parts.own)
    if (known !== null && this.#isAsBefore(known, layers) && this.take(known)) return known
    const unit = this.#compile(parts, layers)
    if (unit !== null) this.#taken.push(unit)
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
