// Which plugins run on a route, with which options, and in which order. Toggles per path are decided here when they
// cover every path of the route; when they cover only some, a picker decides per request among prebuilt instances.
import { patternCovers, patternMatches, patternsOverlap, type PathPattern } from '../base/path-pattern.ts'
import type { LiveStates } from '../base/live-states.ts'
import { mergeToggles, type ResolvedToggle, type Toggle } from '../config/toggles.ts'
import { compileChain } from '../chain/compile.ts'
import { PluginInstance, type InstanceHost } from '../chain/instance.ts'
import type { Plugin } from '../contract/plugin.ts'
import type { Chain, ChainPicker } from '../contract/snapshot.ts'
import type { Keep } from './shared-unit.ts'

/** Plugins that are there, and the instances that live beyond a snapshot. */
export interface PluginStates {
  readonly available: ReadonlyMap<string, Plugin>
  readonly instances: LiveStates<PluginInstance>
  /** `place`: where the configuration asks for it. */
  host(plugin: string, place: string): InstanceHost
}

/** Toggles of a whole configuration: ValidConfig has them. */
export interface Toggles {
  readonly global: readonly Toggle[]
  /** Least specific first. */
  readonly paths: readonly { readonly pattern: PathPattern; readonly toggles: readonly Toggle[] }[]
}

export interface RouteChain {
  readonly chain: Chain
  readonly picker: ChainPicker | null
}

/** Plugins refused their options. */
export class PluginRefusals extends Error {
  readonly refusals: readonly PluginRefusal[]

  constructor(refusals: readonly PluginRefusal[]) {
    super(refusals.map(({ message }) => message).join('; '))
    this.refusals = refusals
  }
}

/** A plugin refused its options; `toggle` says where they were written. */
export class PluginRefusal extends Error {
  readonly toggle: Toggle

  constructor(toggle: Toggle, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause })
    this.toggle = toggle
  }
}

/** Layers that concern a route, least specific first: those for all of its paths, and those for some. */
export interface RouteLayers {
  readonly layers: readonly (readonly Toggle[])[]
  /** Pattern of the layer at the same index; null when it holds for every path of the route. */
  readonly conditions: readonly (PathPattern | null)[]
}

/** `pattern` null: nothing is known of the paths (pathRegex), so that only `/**` holds for all. */
export function routeLayers(toggles: Toggles, pattern: PathPattern | null, own: readonly Toggle[]): RouteLayers {
  const layers: (readonly Toggle[])[] = [toggles.global]
  const conditions: (PathPattern | null)[] = [null]
  for (const entry of toggles.paths) {
    const all = pattern === null ? coversEverything(entry.pattern) : patternCovers(entry.pattern, pattern)
    if (!all && pattern !== null && !patternsOverlap(entry.pattern, pattern)) continue
    layers.push(entry.toggles)
    conditions.push(all ? null : entry.pattern)
  }
  layers.push(own)
  conditions.push(null)
  return { layers, conditions }
}

function coversEverything(pattern: PathPattern): boolean {
  return pattern.segments.length === 0 && pattern.tail === 'all'
}

/** The layers that hold for one path. */
export function layersFor({ layers, conditions }: RouteLayers, path: string): (readonly Toggle[])[] {
  return layers.filter((_, i) => conditions[i] === null || patternMatches(conditions[i]!, path))
}

/** What the configuration says of plugins beside their toggles. */
export interface PluginRules {
  /** Options of a plugin that is only switched on. */
  readonly defaults: (plugin: string) => unknown
  /** Positions that replace the plugins' own. */
  readonly orders: Readonly<Record<string, number>>
}

export type ToStart = (instance: PluginInstance, toggle: Toggle) => void

/** What chains borrow from, and whom they tell of it. */
export interface ChainBorrowing {
  readonly states: PluginStates
  readonly keep: Keep
  /** Told of every instance that is not ready for requests yet, with each toggle that asks for it. */
  readonly toStart: ToStart
}

/**
 * Compiles the chain of one route. Every instance that any path may need is made now, so that picking cannot fail.
 * Throws PluginRefusal.
 */
export function compileRouteChain(layers: RouteLayers, rules: PluginRules, borrowing: ChainBorrowing): RouteChain {
  const { orders } = rules
  const { available } = borrowing.states
  // A picker lives as long as its route: it must not hold on to the whole configuration, as `rules` does.
  const defaults = defaultsOf(layers, rules)
  const instances = borrowInstances(layers, defaults, borrowing)
  const build = (resolved: readonly ResolvedToggle[]): Chain =>
    compileChain(
      resolved
        .filter(({ enabled }) => enabled)
        .map(({ plugin, options }) => {
          const { phases, timing, order } = instances.get(instanceKey(available.get(plugin)!, options))!
          return { plugin, phases, timing, order: orders[plugin] ?? order }
        }),
    )
  const always = layers.layers.filter((_, i) => layers.conditions[i] === null)
  const chain = build(mergeToggles(always, defaults))
  const conditional = layers.conditions.filter((condition) => condition !== null)
  if (conditional.length === 0) return { chain, picker: null }
  return {
    chain,
    picker: new PathPicker(conditional, (path) => build(mergeToggles(layersFor(layers, path), defaults))),
  }
}

function defaultsOf({ layers }: RouteLayers, { defaults }: PluginRules): (plugin: string) => unknown {
  const known = new Map<string, unknown>()
  for (const layer of layers)
    for (const { plugin, value } of layer) if (value === 'on' && !known.has(plugin)) known.set(plugin, defaults(plugin))
  return (plugin) => known.get(plugin)
}

/** By key. */
function borrowInstances(
  { layers }: RouteLayers,
  defaults: (plugin: string) => unknown,
  { states, keep, toStart }: ChainBorrowing,
): ReadonlyMap<string, PluginInstance> {
  const instances = new Map<string, PluginInstance>()
  for (const layer of layers)
    for (const toggle of layer) {
      const { plugin, value } = toggle
      if (value === 'off') continue
      const options = value === 'on' ? defaults(plugin) : value.options
      const key = instanceKey(states.available.get(plugin)!, options)
      if (instances.has(key)) continue
      const instance = borrow(key, toggle, options, states)
      keep(() => states.instances.release(key))
      if (!instance.isStarted) toStart(instance, toggle)
      instances.set(key, instance)
    }
  return instances
}

/** Picks by the set of patterns that match the path; each set is built once. */
class PathPicker implements ChainPicker {
  readonly #patterns: readonly PathPattern[]
  readonly #build: (path: string) => Chain
  readonly #built = new Map<string, Chain>()

  constructor(patterns: readonly PathPattern[], build: (path: string) => Chain) {
    this.#patterns = patterns
    this.#build = build
  }

  pick(path: string): Chain {
    let set = ''
    for (const pattern of this.#patterns) set += patternMatches(pattern, path) ? '1' : '0'
    let chain = this.#built.get(set)
    if (chain === undefined) {
      chain = this.#build(path)
      this.#built.set(set, chain)
    }
    return chain
  }
}

interface InstanceKey {
  readonly plugin: Plugin
  readonly text: string
}

/** Of options that do not change: those of `plugins` and `paths` are put into words once for all routes. */
const keys = new WeakMap<object, InstanceKey>()

/** A plugin whose file has changed is another one. */
function instanceKey(plugin: Plugin, options: unknown): string {
  if (typeof options !== 'object' || options === null || !Object.isFrozen(options)) return keyText(plugin, options)
  let key = keys.get(options)
  if (key?.plugin !== plugin) keys.set(options, (key = { plugin, text: keyText(plugin, options) }))
  return key.text
}

function keyText({ name, revision }: Plugin, options: unknown): string {
  return `${name}@${revision} ${JSON.stringify(options)}`
}

/** Throws PluginRefusal. */
function borrow(key: string, toggle: Toggle, options: unknown, states: PluginStates): PluginInstance {
  const { plugin } = toggle
  const make = (): PluginInstance => {
    try {
      return new PluginInstance(states.available.get(plugin)!, options, states.host(plugin, toggle.origin.where))
    } catch (error) {
      throw new PluginRefusal(toggle, error)
    }
  }
  return states.instances.acquire(key, make)
}
