// The upstreams of a snapshot. Those that are as before are those of before.
import type { Slice } from '../base/slice.ts'
import type { GatewayConfig } from '../config/schema.ts'
import type { UpstreamConfig } from '../config/upstream-schema.ts'
import type { Fallback } from '../contract/upstream.ts'
import type { UpstreamStates } from '../upstreams/states.ts'
import { borrowUpstream, type LiveUpstream, type Place } from '../upstreams/upstream.ts'
import { fixedReply } from './fixed-head.ts'
import { SharedUnit } from './shared-unit.ts'

export class UpstreamUnit extends SharedUnit {
  readonly config: UpstreamConfig
  readonly place: Place
  readonly upstream: LiveUpstream

  constructor(config: UpstreamConfig, place: Place, upstream: LiveUpstream, release: () => void) {
    super([release])
    this.config = config
    this.place = place
    this.upstream = upstream
  }
}

export type UpstreamUnits = ReadonlyMap<string, UpstreamUnit>

type UpstreamConfigs = Readonly<Record<string, UpstreamConfig>>

const NO_UPSTREAMS: UpstreamConfigs = {}

/** The upstreams of a snapshot, by name. */
export interface Upstreams {
  readonly configs: UpstreamConfigs
  readonly place: Place
  readonly units: UpstreamUnits
  readonly upstreams: ReadonlyMap<string, LiveUpstream>
}

/** Every unit that is taken, or made, is put into `taken` at once. */
export async function takeUpstreams(
  { upstreams: configs = NO_UPSTREAMS, zone = '', region = '' }: GatewayConfig,
  before: Upstreams | null,
  states: UpstreamStates,
  slice: Slice,
  taken: SharedUnit[],
): Promise<Upstreams> {
  const place = { zone, region }
  if (before?.configs === configs && isSamePlace(before.place, place) && takeAll(before, taken)) return before
  const kept = new Map<string, UpstreamUnit>()
  // Without a pause: an upstream is as before only together with those that it falls back to.
  for (const name of Object.keys(configs)) {
    const unit = before?.units.get(name)
    if (unit === undefined || !isAsBefore(name, configs, place, before!.units) || !unit.take()) continue
    taken.push(unit)
    kept.set(name, unit)
  }
  const units = new Map<string, UpstreamUnit>()
  for (const [name, config] of Object.entries(configs)) {
    let unit = kept.get(name)
    if (unit === undefined) {
      const { upstream, release } = borrowUpstream(name, config, place, states)
      unit = new UpstreamUnit(config, place, upstream, release)
      taken.push(unit)
      if (slice.over) await slice.pause()
    }
    units.set(name, unit)
  }
  for (const [name, { config, upstream }] of units)
    if (config.fallback !== undefined && !kept.has(name)) upstream.fallback = compileFallback(config.fallback, units)
  return { configs, place, units, upstreams: new Map(Array.from(units, ([name, { upstream }]) => [name, upstream])) }
}

function takeAll({ units }: Upstreams, taken: SharedUnit[]): boolean {
  for (const unit of units.values()) {
    if (!unit.take()) return false
    taken.push(unit)
  }
  return true
}

function isSamePlace(a: Place, b: Place): boolean {
  return a.zone === b.zone && a.region === b.region
}

/** Also those that it falls back to, one after the other: these never go round in a circle. */
function isAsBefore(first: string, configs: UpstreamConfigs, place: Place, before: UpstreamUnits): boolean {
  for (let name = first; ;) {
    const config = configs[name]!
    const known = before.get(name)
    if (known?.config !== config || !isSamePlace(known.place, place)) return false
    if (config.fallback === undefined || !('upstream' in config.fallback)) return true
    name = config.fallback.upstream
  }
}

function compileFallback(fallback: NonNullable<UpstreamConfig['fallback']>, units: UpstreamUnits): Fallback {
  if ('upstream' in fallback) return { upstream: units.get(fallback.upstream)!.upstream, respond: null }
  return { upstream: null, respond: fixedReply({ status: 503, ...fallback.respond }) }
}
