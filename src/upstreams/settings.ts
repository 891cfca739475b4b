// From the words of the configuration to the options of each part, with the defaults that the schema names.
import { cookieValue } from '../base/cookies.ts'
import { fieldName } from '../base/headers.ts'
import type { DiscoveryConfig, UpstreamConfig } from '../config/upstream-schema.ts'
import type { Exchange } from '../contract/exchange.ts'
import type { UpstreamTimeouts } from '../contract/upstream.ts'
import { ConsistentHash } from './balance/consistent-hash.ts'
import { hashOf } from './balance/hash-of.ts'
import { LeastConnections } from './balance/least-connections.ts'
import type { LoadWeightsOptions } from './balance/load-weights.ts'
import { PowerOfTwoChoices } from './balance/p2c.ts'
import { WeightedRandom } from './balance/random.ts'
import { RoundRobin } from './balance/round-robin.ts'
import { DnsSource } from './discovery/dns-source.ts'
import { EtcdSource } from './discovery/etcd-source.ts'
import type { EndpointSource } from './discovery/source.ts'
import type { ActiveCheckOptions } from './health/active-check.ts'
import type { BreakerOptions } from './health/breaker.ts'
import type { OutlierOptions } from './health/outlier.ts'
import type { MakeBalancer } from './level.ts'
import type { UpstreamStates } from './states.ts'
import type { WireOptions } from './wire/options.ts'

export function wireOptions({ timeouts = {}, connections = {}, ...config }: UpstreamConfig): WireOptions {
  return {
    connectTimeout: timeouts.connect ?? 5_000,
    maxConnections: connections.max ?? 1024,
    queue: connections.queue ?? 1024,
    keepAlive: connections.keepAlive ?? 30_000,
    maxRequests: connections.maxRequests ?? 1_000_000,
    maxHeadSize: config.maxHeadSize ?? 32 * 1024,
    maxFields: config.maxHeaders ?? 256,
    pipelining: config.pipelining ?? 1,
  }
}

export function upstreamTimeouts({ timeouts = {} }: UpstreamConfig): UpstreamTimeouts {
  const total = timeouts.total ?? 0
  return {
    connect: timeouts.connect ?? 5_000,
    response: timeouts.response ?? 10_000,
    idle: timeouts.idle ?? 30_000,
    total,
    header: total === 0 || timeouts.header === undefined ? '' : fieldName(timeouts.header),
  }
}

export function checkOptions({ health }: UpstreamConfig): ActiveCheckOptions | null {
  if (health === undefined) return null
  return {
    kind: health.path === undefined ? 'tcp' : 'http',
    path: health.path ?? '/',
    port: health.port ?? 0,
    host: health.host ?? '',
    expected: health.status === undefined ? [[200, 399]] : health.status.map((status) => [status, status] as const),
    interval: health.interval ?? 5_000,
    timeout: health.timeout ?? 1_000,
    healthy: health.healthy ?? 2,
    unhealthy: health.unhealthy ?? 3,
    jitter: health.jitter ?? 0.1,
  }
}

export function outlierOptions({ outlier }: UpstreamConfig): OutlierOptions | null {
  if (outlier === undefined) return null
  const { successRate = {}, latency = {} } = outlier
  return {
    consecutive: outlier.consecutive ?? 5,
    interval: outlier.interval ?? 10_000,
    ejection: outlier.ejection ?? 30_000,
    maxEjection: outlier.maxEjection ?? 300_000,
    maxEjected: outlier.maxEjected ?? 0.5,
    successRate: {
      minimumRequests: successRate.requests ?? 100,
      minimumEndpoints: successRate.endpoints ?? 5,
      deviations: successRate.deviations ?? 1.9,
    },
    latency: { factor: latency.factor ?? 0, minimumRequests: latency.requests ?? 100 },
  }
}

export function breakerOptions({ breaker }: UpstreamConfig, of: 'endpoint' | 'upstream'): BreakerOptions | null {
  if (breaker === undefined || !(breaker.per ?? ['endpoint', 'upstream']).includes(of)) return null
  return {
    window: breaker.window ?? 10_000,
    minimum: breaker.minimum ?? 20,
    failures: breaker.failures ?? 0.5,
    latency: breaker.latency ?? 0,
    open: breaker.open ?? 5_000,
    probes: breaker.probes ?? 3,
  }
}

export function loadAwareOptions({ loadAware }: UpstreamConfig): LoadWeightsOptions | null {
  if (loadAware === undefined) return null
  return {
    interval: loadAware.interval ?? 5_000,
    transition: loadAware.transition ?? 30_000,
    floor: loadAware.floor ?? 0.2,
    ceiling: loadAware.ceiling ?? 2,
  }
}

export function balancerMaker({ balance = 'round-robin', hash = {} }: UpstreamConfig): MakeBalancer {
  const make: Readonly<Record<typeof balance, MakeBalancer>> = {
    'round-robin': (_, weights) => new RoundRobin({ weights }),
    'least-connections': (loads, weights) => new LeastConnections({ loads, weights }),
    p2c: (loads, weights) => new PowerOfTwoChoices({ loads, weights }),
    random: (loads, weights) => new WeightedRandom({ loads, weights }),
    'consistent-hash': (loads, weights) => {
      const keys = loads.map(({ url }) => url)
      return new ConsistentHash({ loads, weights }, keys, hash.bound ?? 1.25)
    },
  }
  return make[balance]
}

/** What a request is known by; requests that are not known by anything are spread at random. */
export function hasher({ balance, hash = {} }: UpstreamConfig): (x: Exchange) => number {
  if (balance !== 'consistent-hash') return () => 0
  const text = textOf(hash.key ?? 'client-ip')
  return (x) => {
    const known = text(x)
    return known === '' ? Math.floor(Math.random() * 2 ** 32) : hashOf(known)
  }
}

function textOf(key: string): (x: Exchange) => string {
  const colon = key.indexOf(':')
  const name = key.slice(colon + 1)
  switch (key.slice(0, Math.max(0, colon))) {
    case 'header': {
      const field = fieldName(name)
      return (x) => x.headers.find(field)
    }
    case 'cookie':
      return (x) => cookieValue(x.headers.find('cookie'), name) ?? ''
    case 'param':
      return (x) => x.param(name)
  }
  return (x) => x.clientIp
}

export function openSource(
  upstream: string,
  discovery: DiscoveryConfig,
  { wheel, clock, log }: UpstreamStates,
): EndpointSource {
  if ('dns' in discovery) {
    const { type = 'A', scheme = 'http', port, ...rest } = discovery.dns
    return new DnsSource({ ...rest, type, scheme, port: port ?? 0 }, wheel, clock)
  }
  const { hosts, registry = 'sluice' } = discovery.etcd
  const name = discovery.etcd.upstream ?? upstream
  const onProblem = ({ key, message }: { key: string; message: string }): void =>
    log.warn({ upstream, key, problem: message }, 'an endpoint in the registry is left out')
  return new EtcdSource({ hosts, prefix: `/sluice/${registry}/endpoints/${name}/`, onProblem }, wheel, clock)
}
