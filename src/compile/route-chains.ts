// The chains of one compilation. Most routes have no toggles of their own: those under the same layers share one chain.
import type { Toggle } from '../config/toggles.ts'
import {
  compileRouteChain,
  type PluginRules,
  type PluginStates,
  type RouteChain,
  type RouteLayers,
  type ToStart,
} from './chains.ts'
import { borrowing, SharedUnit, type Keep } from './shared-unit.ts'

class ChainUnit extends SharedUnit {
  readonly chain: RouteChain

  constructor(chain: RouteChain, releases: readonly (() => void)[]) {
    super(releases)
    this.chain = chain
  }
}

export class RouteChains {
  readonly #rules: PluginRules
  readonly #states: PluginStates
  readonly #toStart: ToStart
  readonly #shared = new Map<string, ChainUnit>()
  readonly #numbers = new Map<readonly Toggle[], number>()

  /** `toStart` is told of every instance that is not ready for requests yet. */
  constructor(rules: PluginRules, states: PluginStates, toStart: ToStart) {
    this.#rules = rules
    this.#states = states
    this.#toStart = toStart
  }

  /** Throws PluginRefusal. `keep` is called with the release of what was taken. */
  take(layers: RouteLayers, keep: Keep): RouteChain {
    if (layers.layers.at(-1)!.length > 0) return this.#compile(layers, keep)
    const key = this.#keyOf(layers)
    let unit = this.#shared.get(key)
    if (unit === undefined || !unit.take()) {
      unit = borrowing((kept, releases) => new ChainUnit(this.#compile(layers, kept), releases))
      this.#shared.set(key, unit)
    }
    const { chain } = unit
    keep(() => unit.release())
    return chain
  }

  #compile(layers: RouteLayers, keep: Keep): RouteChain {
    return compileRouteChain(layers, this.#rules, { states: this.#states, toStart: this.#toStart, keep })
  }

  #keyOf({ layers, conditions }: RouteLayers): string {
    let key = ''
    // The last are the route's own: none.
    for (let i = 0; i < layers.length - 1; i++) {
      const layer = layers[i]!
      let number = this.#numbers.get(layer)
      if (number === undefined) this.#numbers.set(layer, (number = this.#numbers.size))
      key += `${number}${conditions[i] === null ? '' : '?'} `
    }
    return key
  }
}
