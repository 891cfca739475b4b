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

/** Every unit that is taken, or made, is given to `took` at once. */
export async function takeUpstreams(
  { upstreams = {}, zone = '', region = '' }: GatewayConfig,
  before: UpstreamUnits,
  states: UpstreamStates,
  slice: Slice,
  took: (unit: UpstreamUnit) => void,
): Promise<UpstreamUnits> {
  const place = { zone, region }
  const units = new Map<string, UpstreamUnit>()
  // Without a pause: an upstream is as before only together with those that it falls back to.
  for (const name of Object.keys(upstreams)) {
    const unit = before.get(name)
    if (unit === undefined || !isAsBefore(name, upstreams, place, before) || !unit.take()) continue
    took(unit)
    units.set(name, unit)
  }
  const made: [UpstreamConfig, LiveUpstream][] = []
  for (const [name, config] of Object.entries(upstreams)) {
    if (units.has(name)) continue
    const { upstream, release } = borrowUpstream(name, config, place, states)
    const unit = new UpstreamUnit(config, place, upstream, release)
    took(unit)
    units.set(name, unit)
    made.push([config, upstream])
    if (slice.over) await slice.pause()
  }
  for (const [{ fallback }, upstream] of made)
    if (fallback !== undefined) upstream.fallback = compileFallback(fallback, units)
  return units
}

/** Also those that it falls back to, one after the other: these never go round in a circle. */
function isAsBefore(
  first: string,
  upstreams: NonNullable<GatewayConfig['upstreams']>,
  { zone, region }: Place,
  before: UpstreamUnits,
): boolean {
  for (let name = first; ;) {
    const config = upstreams[name]!
    const known = before.get(name)
    if (known?.config !== config || known.place.zone !== zone || known.place.region !== region) return false
    if (config.fallback === undefined || !('upstream' in config.fallback)) return true
    name = config.fallback.upstream
  }
}

function compileFallback(fallback: NonNullable<UpstreamConfig['fallback']>, units: UpstreamUnits): Fallback {
  if ('upstream' in fallback) return { upstream: units.get(fallback.upstream)!.upstream, respond: null }
  return { upstream: null, respond: fixedReply({ status: 503, ...fallback.respond }) }
}
