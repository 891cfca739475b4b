// Which plugins run on a route, with which options, and in which order. Toggles per path are decided here when they
// cover every path of the route; when they cover only some, a picker decides per request among prebuilt instances.
import { patternCovers, patternMatches, patternsOverlap, type PathPattern } from '../base/path-pattern.ts'
import type { LiveStates } from '../base/live-states.ts'
import { mergeToggles, type ResolvedToggle, type Toggle } from '../config/toggles.ts'
import { compileChain } from '../chain/compile.ts'
import { PluginInstance, type InstanceHost } from '../chain/instance.ts'
import type { Plugin } from '../contract/plugin.ts'
import type { Chain, ChainPicker } from '../contract/snapshot.ts'

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

/**
 * Compiles the chain of one route. Every instance that any path may need is made now, so that picking cannot fail.
 * Throws PluginRefusal. `keep` is called with the release of each instance taken.
 */
export function compileRouteChain(
  layers: RouteLayers,
  { defaults, orders }: PluginRules,
  states: PluginStates,
  keep: (release: () => void) => void,
): RouteChain {
  const instances = new Map<string, PluginInstance>()
  for (const toggle of layers.layers.flat()) {
    if (toggle.value === 'off') continue
    const options = toggle.value === 'on' ? defaults(toggle.plugin) : toggle.value.options
    const key = instanceKey(states.available.get(toggle.plugin)!, options)
    if (instances.has(key)) continue
    try {
      instances.set(key, borrow(key, toggle, options, states))
    } catch (error) {
      throw new PluginRefusal(toggle, error)
    }
    keep(() => states.instances.release(key))
  }
  const build = (resolved: readonly ResolvedToggle[]): Chain => {
    const enabled = resolved.filter((toggle) => toggle.enabled)
    return compileChain(
      enabled.map(({ plugin, options }) => {
        const { phases, timing, order } = instances.get(instanceKey(states.available.get(plugin)!, options))!
        return { plugin, phases, timing, order: orders[plugin] ?? order }
      }),
    )
  }
  const always = layers.layers.filter((_, i) => layers.conditions[i] === null)
  const chain = build(mergeToggles(always, defaults))
  const conditional = layers.conditions.filter((condition) => condition !== null)
  if (conditional.length === 0) return { chain, picker: null }
  return {
    chain,
    picker: new PathPicker(conditional, (path) => build(mergeToggles(layersFor(layers, path), defaults))),
  }
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

/** A plugin whose file has changed is another one. */
function instanceKey({ name, revision }: Plugin, options: unknown): string {
  return `${name}@${revision} ${JSON.stringify(options)}`
}

function borrow(key: string, toggle: Toggle, options: unknown, states: PluginStates): PluginInstance {
  const { plugin } = toggle
  return states.instances.acquire(
    key,
    () => new PluginInstance(states.available.get(plugin)!, options, states.host(plugin, toggle.origin.where), toggle),
  )
}
