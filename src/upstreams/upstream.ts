// A named group of endpoints: what the road picks from. Endpoints and the position of the balancer outlive snapshots.
import type { LiveStates } from '../base/live-states.ts'
import type { TimerWheel } from '../base/timer-wheel.ts'
import type { UpstreamConfig } from '../config/schema.ts'
import type { Split, Upstream, UpstreamTimeouts } from '../contract/snapshot.ts'
import type { Endpoint, Transport } from '../contract/transport.ts'
import { RoundRobin } from './balance/round-robin.ts'
import { UndiciTransport } from './undici/transport.ts'
import type { WireOptions } from './wire/options.ts'
import { WireTransport } from './wire/transport.ts'

export class LiveEndpoint implements Endpoint {
  readonly url: string
  readonly transport: Transport
  inFlight = 0

  constructor(url: string, transport: Transport) {
    this.url = url
    this.transport = transport
  }
}

/** What upstreams borrow and give back; one of each per worker. */
export interface UpstreamStates {
  readonly endpoints: LiveStates<LiveEndpoint>
  readonly balancers: LiveStates<RoundRobin>
  readonly wheel: TimerWheel
}

export interface BorrowedUpstream {
  readonly upstream: Upstream
  readonly release: () => void
}

class BalancedUpstream implements Upstream {
  readonly name: string
  readonly timeouts: UpstreamTimeouts
  readonly #endpoints: readonly Endpoint[]
  readonly #balancer: RoundRobin

  constructor(name: string, timeouts: UpstreamTimeouts, endpoints: readonly Endpoint[], balancer: RoundRobin) {
    this.name = name
    this.timeouts = timeouts
    this.#endpoints = endpoints
    this.#balancer = balancer
  }

  pick(): Endpoint | null {
    const index = this.#balancer.pick()
    return index < 0 ? null : this.#endpoints[index]!
  }
}

/** Compiles one upstream. What is equal to a living one, by everything that defines it, is shared with it. */
export function borrowUpstream(name: string, config: UpstreamConfig, states: UpstreamStates): BorrowedUpstream {
  const { timeouts = {}, connections = {} } = config
  const options: WireOptions = {
    connectTimeout: timeouts.connect ?? 5_000,
    maxConnections: connections.max ?? 1024,
    queue: connections.queue ?? 1024,
    keepAlive: connections.keepAlive ?? 30_000,
    maxRequests: connections.maxRequests ?? 1_000_000,
    maxHeadSize: config.maxHeadSize ?? 32 * 1024,
    maxFields: config.maxHeaders ?? 256,
    pipelining: config.pipelining ?? 1,
  }
  const { transport = 'auto' } = config
  const keys = config.endpoints.map(({ url }) => JSON.stringify([name, url, transport, options]))
  const endpoints = keys.map((key, i) => {
    const { url } = config.endpoints[i]!
    return states.endpoints.acquire(
      key,
      () => new LiveEndpoint(url, openTransport(transport, url, options, states.wheel)),
    )
  })
  const weights = config.endpoints.map(({ weight }) => weight ?? 1)
  const balancerKey = JSON.stringify([name, keys, weights])
  const balancer = states.balancers.acquire(balancerKey, () => RoundRobin.of(weights))
  return {
    upstream: new BalancedUpstream(
      name,
      {
        connect: options.connectTimeout,
        response: timeouts.response ?? 10_000,
        idle: timeouts.idle ?? 30_000,
        total: timeouts.total ?? 0,
      },
      endpoints,
      balancer,
    ),
    release() {
      for (const key of keys) states.endpoints.release(key)
      states.balancers.release(balancerKey)
    },
  }
}

/** `auto` takes the own client wherever it can speak: HTTP/1.1 without TLS. */
function openTransport(
  kind: NonNullable<UpstreamConfig['transport']>,
  url: string,
  options: WireOptions,
  wheel: TimerWheel,
): Transport {
  const wire = kind === 'wire' || (kind === 'auto' && url.startsWith('http:'))
  return wire ? new WireTransport(url, options, wheel) : new UndiciTransport(url, options, wheel)
}

export interface BorrowedSplit {
  readonly split: Split
  readonly release: () => void
}

/** Shares requests among upstreams by weight; the position outlives snapshots under `key`. */
export function borrowSplit(
  key: string,
  upstreams: readonly Upstream[],
  weights: readonly number[],
  balancers: LiveStates<RoundRobin>,
): BorrowedSplit {
  const balancer = balancers.acquire(key, () => RoundRobin.of(weights))
  return {
    split: { pick: () => upstreams[balancer.pick()]! },
    release: () => balancers.release(key),
  }
}
