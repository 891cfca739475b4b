// A named group of endpoints with one policy: what the road picks from. The policy belongs to the snapshot; everything that
// was learned of the endpoints outlives it.
import type { UpstreamConfig } from '../config/upstream-schema.ts'
import type { Exchange } from '../contract/exchange.ts'
import type { Split } from '../contract/snapshot.ts'
import type {
  Endpoint,
  Fallback,
  HedgePolicy,
  RetryPolicy,
  Sticky,
  Upstream,
  UpstreamTimeouts,
} from '../contract/upstream.ts'
import { RoundRobin } from './balance/round-robin.ts'
import { borrowBreaker, borrowMember, type MemberOptions } from './borrow-member.ts'
import { Budget } from './budget.ts'
import { Cluster, type ClusterOptions } from './cluster.ts'
import type { DiscoveredEndpoint } from './discovery/source.ts'
import { LiveSource } from './live-source.ts'
import { Hedging, Retries } from './policy.ts'
import * as settings from './settings.ts'
import type { UpstreamStates } from './states.ts'
import { StickyCookie } from './sticky.ts'

/** Where this gateway runs; '' for unknown. */
export interface Place {
  readonly zone: string
  readonly region: string
}

export interface BorrowedUpstream {
  readonly upstream: LiveUpstream
  readonly release: () => void
}

export class LiveUpstream implements Upstream {
  readonly name: string
  readonly timeouts: UpstreamTimeouts
  readonly retries: RetryPolicy | null
  readonly hedge: HedgePolicy | null
  readonly sticky: Sticky | null
  readonly readsLoad: boolean
  /** Set once all upstreams of the configuration are there. */
  fallback: Fallback | null = null
  readonly cluster: Cluster
  /** Where its endpoints are found; null when they are listed. */
  readonly source: LiveSource | null

  constructor(parts: Omit<LiveUpstream, 'fallback' | 'pick' | 'hasOther' | 'retryAfter' | 'isOpen'>) {
    this.name = parts.name
    this.timeouts = parts.timeouts
    this.retries = parts.retries
    this.hedge = parts.hedge
    this.sticky = parts.sticky
    this.readsLoad = parts.readsLoad
    this.cluster = parts.cluster
    this.source = parts.source
  }

  pick(x: Exchange): Endpoint | null {
    return this.cluster.pick(x)
  }

  hasOther(x: Exchange): boolean {
    return this.cluster.hasOther(x)
  }

  get retryAfter(): number {
    return this.cluster.retryAfter
  }

  get isOpen(): boolean {
    return this.cluster.isOpen
  }
}

/** Compiles one upstream. What is equal to something living, by everything that defines it, is shared with it. */
export function borrowUpstream(
  name: string,
  config: UpstreamConfig,
  place: Place,
  states: UpstreamStates,
): BorrowedUpstream {
  const releases: (() => void)[] = []
  const release = (): void => {
    for (const give of releases.splice(0).toReversed()) give()
  }
  try {
    const source = borrowSource(name, config, states, releases)
    const sticky = config.sticky === undefined ? null : new StickyCookie(name, config.sticky)
    const cluster = borrowCluster(name, config, place, sticky, source, states, releases)
    const upstream = new LiveUpstream({
      name,
      timeouts: settings.upstreamTimeouts(config),
      retries: retriesOf(name, config, states, releases),
      hedge:
        config.hedge === undefined
          ? null
          : new Hedging(
              config.hedge,
              cluster.latencies!,
              borrowBudget([name, 'hedge'], config.hedge.budget ?? 0.05, states, releases),
            ),
      sticky,
      readsLoad: config.loadAware !== undefined,
      cluster,
      source,
    })
    return { upstream, release }
  } catch (error) {
    release()
    throw error
  }
}

/** Names of those of which nothing is known after `patience` ms. Resolves sooner when all is, or `signal` is aborted. */
export async function undiscovered(
  upstreams: Iterable<LiveUpstream>,
  patience: number,
  signal: AbortSignal,
): Promise<string[]> {
  const waiting = new Map<string, Promise<unknown>>()
  for (const { name, source } of upstreams)
    if (source !== null)
      waiting.set(
        name,
        source.told.then(() => waiting.delete(name)),
      )
  if (waiting.size === 0 || signal.aborted) return [...waiting.keys()]
  let end!: () => void
  const late = new Promise<void>((resolve) => (end = resolve))
  const timer = setTimeout(() => end(), patience)
  signal.addEventListener('abort', end)
  await Promise.race([Promise.all(waiting.values()), late])
  clearTimeout(timer)
  signal.removeEventListener('abort', end)
  return [...waiting.keys()]
}

function borrowSource(
  name: string,
  { discovery }: UpstreamConfig,
  states: UpstreamStates,
  releases: (() => void)[],
): LiveSource | null {
  if (discovery === undefined) return null
  const key = JSON.stringify([name, discovery])
  const source = states.sources.acquire(
    key,
    () => new LiveSource(settings.openSource(name, discovery, states), states.serving),
  )
  releases.push(() => states.sources.release(key))
  return source
}

/** The endpoints with all that decides who gets a request. Timeouts and retries may change without a new one. */
function borrowCluster(
  name: string,
  config: UpstreamConfig,
  place: Place,
  sticky: StickyCookie | null,
  source: LiveSource | null,
  states: UpstreamStates,
  releases: (() => void)[],
): Cluster {
  const { timeouts, retries: _retries, fallback: _fallback, ...defining } = config
  const key = JSON.stringify([name, place, timeouts?.connect, defining])
  const cluster = states.clusters.acquire(key, () => openCluster(name, config, place, sticky, source, states))
  releases.push(() => states.clusters.release(key))
  return cluster
}

function openCluster(
  name: string,
  config: UpstreamConfig,
  { zone, region }: Place,
  sticky: StickyCookie | null,
  source: LiveSource | null,
  states: UpstreamStates,
): Cluster {
  const { breaker } = config
  const options: ClusterOptions = {
    zone,
    region,
    slowStart: config.slowStart ?? 10_000,
    spillOver: config.spillOver ?? 0.7,
    panic: config.panic ?? 0.5,
    maxConcurrent: breaker?.maxConcurrent ?? Infinity,
    maxPending: breaker?.maxPending ?? Infinity,
    loadAware: settings.loadAwareOptions(config),
    expectsLatency: config.balance === 'p2c',
    keepsLatencies: config.hedge !== undefined,
    makeBalancer: settings.balancerMaker(config),
    hashOf: settings.hasher(config),
    stickyId: sticky === null ? null : (url) => sticky.idOf(url),
    cookieOf: (x) => (sticky === null ? '' : sticky.of(x)),
  }
  const memberOptions: MemberOptions = {
    upstream: name,
    transport: config.transport ?? 'auto',
    wire: settings.wireOptions(config),
    check: settings.checkOptions(config),
    outlier: settings.outlierOptions(config),
    breaker: settings.breakerOptions(config, 'endpoint'),
  }
  const ends: (() => void)[] = []
  const shared = settings.breakerOptions(config, 'upstream')
  const cluster = new Cluster(
    options,
    shared === null ? null : borrowBreaker(JSON.stringify([name]), shared, states, ends),
    (origin) => borrowMember(origin, memberOptions, states),
    states.wheel,
    (member, well) => {
      const line = { upstream: name, endpoint: member.url, why: member.trouble }
      if (well) states.log.info(line, 'endpoint is back')
      else states.log.warn(line, 'endpoint is out')
    },
    () => {
      for (const end of ends) end()
    },
  )
  if (source === null) cluster.setMembers((config.endpoints ?? []).map(listed))
  else ends.push(source.listen((endpoints) => cluster.setMembers(endpoints)))
  return cluster
}

function listed(endpoint: NonNullable<UpstreamConfig['endpoints']>[number]): DiscoveredEndpoint {
  const { url, weight = 1, zone = '', region = '', metadata = {} } = endpoint
  return { url, weight, zone, region, metadata }
}

/** Without another endpoint, and without being asked to, nothing is tried again. */
function retriesOf(
  name: string,
  { retries, endpoints = [], discovery }: UpstreamConfig,
  states: UpstreamStates,
  releases: (() => void)[],
): RetryPolicy | null {
  if (retries === undefined && discovery === undefined && endpoints.length < 2) return null
  if (retries?.attempts === 0) return null
  return new Retries(retries ?? null, borrowBudget([name, 'retry'], retries?.budget ?? 0.2, states, releases))
}

function borrowBudget(
  of: readonly string[],
  share: number,
  { budgets, clock }: UpstreamStates,
  releases: (() => void)[],
): Budget {
  const key = JSON.stringify([of, share])
  releases.push(() => budgets.release(key))
  return budgets.acquire(key, () => new Budget(share, clock))
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
  { splits }: UpstreamStates,
): BorrowedSplit {
  const balancer = splits.acquire(key, () => RoundRobin.of(weights))
  return {
    split: { pick: () => upstreams[balancer.pick()]! },
    release: () => splits.release(key),
  }
}
