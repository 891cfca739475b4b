import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { HeaderList } from '../base/headers.ts'
import { TimerWheel } from '../base/timer-wheel.ts'
import type { UpstreamConfig } from '../config/upstream-schema.ts'
import type { Exchange } from '../contract/exchange.ts'
import { FAILED_THERE, SUCCEEDED, type Outcome } from '../contract/upstream.ts'
import type { Cluster } from './cluster.ts'
import type { DiscoveredEndpoint } from './discovery/source.ts'
import { reportOf } from './report.ts'
import { UpstreamStates } from './states.ts'
import { UndiciTransport } from './undici/transport.ts'
import { borrowUpstream, type LiveUpstream } from './upstream.ts'
import { WireTransport } from './wire/transport.ts'

const DISCOVERY = { etcd: { hosts: ['http://127.0.0.1:1'] } }

class World {
  readonly told: string[] = []
  readonly wheel = new TimerWheel()
  readonly upstream: LiveUpstream
  readonly cluster: Cluster

  constructor(test: TestContext, config: UpstreamConfig) {
    const tell = ({ endpoint }: { endpoint?: string }, message: string): void =>
      void this.told.push(`${endpoint?.slice('http://127.0.0.1:'.length)} ${message}`)
    const log = { debug() {}, info: tell, warn: tell, error() {} }
    const states = new UpstreamStates(this.wheel, log, false)
    const { upstream, release } = borrowUpstream('app', { discovery: DISCOVERY, ...config }, NOWHERE, states)
    test.after(release)
    this.upstream = upstream
    this.cluster = upstream.cluster
  }

  tell(...endpoints: readonly (Partial<DiscoveredEndpoint> & { readonly port: number })[]): void {
    this.upstream.source!.tell(
      endpoints.map(({ port, weight = 1, zone = '', region = '', metadata = {} }) => ({
        url: urlOf(port),
        weight,
        zone,
        region,
        metadata,
      })),
    )
  }

  share(port: number): number {
    return [...this.cluster.shares()].find(([{ url }]) => url === urlOf(port))![1]
  }

  /** One request to an endpoint, and what became of it. */
  ask(port: number, outcome: Outcome, latency = 1): void {
    const member = this.cluster.members.find(({ url }) => url === urlOf(port))!
    const ticket = member.begin()
    member.settle(ticket, outcome, latency)
    member.end(false)
  }
}

const NOWHERE = { zone: '', region: '' }

function urlOf(port: number): string {
  return `http://127.0.0.1:${port}`
}

/** A request as far as an upstream looks at it. */
function request(...fields: readonly [string, string][]): Exchange {
  const headers = new HeaderList()
  for (const [name, value] of fields) headers.push(name, value)
  return { headers, tries: { failed: [] } } as unknown as Exchange
}

describe('endpoints that come and go', () => {
  it('take back whoever there is no room for any more, also with load-aware weights', (test) => {
    const world = new World(test, { outlier: { consecutive: 1 }, loadAware: { interval: 0 } })
    world.tell({ port: 1 }, { port: 2 }, { port: 3 }, { port: 4 })
    world.ask(1, FAILED_THERE)
    world.ask(2, FAILED_THERE)
    world.tell({ port: 1 }, { port: 2 })
    assert.equal(world.cluster.members.filter(({ healthy }) => healthy).length, 1)
    world.tell({ port: 1 })
    assert.equal(world.share(1), 1)
  })

  it('are the same endpoints when only what is said of them changes', (test) => {
    const world = new World(test, { outlier: { consecutive: 1 }, panic: 0 })
    world.tell({ port: 1 }, { port: 2 })
    const [first] = world.cluster.members
    world.ask(1, FAILED_THERE)
    world.tell({ port: 1, weight: 2, zone: 'b', metadata: { build: '7' } }, { port: 2 })
    assert.equal(world.cluster.members[0], first)
    assert.deepEqual(world.told, ['1 endpoint is out'], 'it is said once')
    const [{ weight, zone, metadata, healthy }] = reportOf(world.upstream).endpoints as [never]
    assert.deepEqual(
      { weight, zone, metadata, healthy },
      { weight: 2, zone: 'b', metadata: { build: '7' }, healthy: false },
    )
    world.tell({ port: 1, weight: 2, zone: 'b', metadata: { build: '8' } }, { port: 2 })
    assert.deepEqual(reportOf(world.upstream).endpoints[0]!.metadata, { build: '8' })
  })

  it('leave the load-aware weights of the others as they are', async (test) => {
    const world = new World(test, { loadAware: { interval: 100, transition: 0 }, slowStart: 0 })
    world.tell({ port: 1 }, { port: 2 })
    for (const patience = Date.now() + 20_000; world.share(1) > 0.4; world.cluster.refresh()) {
      world.ask(1, SUCCEEDED, 1000)
      world.ask(2, SUCCEEDED, 1)
      assert.ok(Date.now() < patience)
      await new Promise((resolve) => setImmediate(resolve))
    }
    const before = world.share(1)
    world.tell({ port: 1 }, { port: 2 }, { port: 3 })
    const after = world.share(1) / (world.share(1) + world.share(2))
    assert.ok(Math.abs(after - before) < 1e-9, `${before}, then ${after}`)
  })

  it('move no keys but their own, while they warm up', (test) => {
    const world = new World(test, { balance: 'consistent-hash', hash: { key: 'header:x-user' } })
    const ports = [1, 2, 3, 4]
    world.tell(...ports.map((port) => ({ port })))
    const keys = Array.from({ length: 500 }, (_, i) => `user ${i}`)
    const places = (): string[] => keys.map((key) => world.cluster.pick(request(['x-user', key]))!.url)
    const before = places()
    world.tell(...[...ports, 5].map((port) => ({ port })))
    const after = places()
    const moved = before.filter((url, i) => after[i] !== url && after[i] !== urlOf(5))
    assert.equal(moved.length, 0)
  })

  it('are not looked at again and again because they are out while new', (test) => {
    const world = new World(test, { outlier: { consecutive: 1 }, panic: 0 })
    world.tell({ port: 1 })
    world.tell({ port: 1 }, { port: 2 })
    assert.equal(reportOf(world.upstream).endpoints[1]!.warming, true)
    const warming = world.wheel.size
    world.ask(2, FAILED_THERE)
    assert.equal(reportOf(world.upstream).endpoints[1]!.warming, false)
    // The analysis of the group and the end of the ejection instead of the next step of the ramp.
    assert.equal(world.wheel.size, warming - 1 + 2)
  })
})

describe('an endpoint that was found', () => {
  it('never gets in the clear what is meant for TLS', (test) => {
    const world = new World(test, { transport: 'wire' })
    world.upstream.source!.tell([
      { url: 'https://127.0.0.1:1', weight: 1, zone: '', region: '', metadata: {} },
      { url: 'http://127.0.0.1:2', weight: 1, zone: '', region: '', metadata: {} },
    ])
    const [secure, plain] = world.cluster.members
    assert.ok(secure!.transport instanceof UndiciTransport)
    assert.ok(plain!.transport instanceof WireTransport)
  })
})

describe('an endpoint with weight 0', () => {
  it('keeps the clients that are bound to it, and gets no others', (test) => {
    const world = new World(test, { sticky: { cookie: 'where' } })
    world.tell({ port: 1, weight: 0 }, { port: 2 })
    const bound = request(['cookie', `where=${world.upstream.sticky!.bind(chosen(world.cluster)).split(/[=;]/)[1]}`])
    assert.equal(world.cluster.pick(bound)!.url, urlOf(1))
    for (let i = 0; i < 10; i++) assert.equal(world.cluster.pick(request())!.url, urlOf(2))
    const failed = { headers: new HeaderList(), tries: { failed: [world.cluster.members[1]] } } as unknown as Exchange
    assert.equal(world.cluster.hasOther(failed), false)
  })
})

/** A request that went to the first endpoint. */
function chosen({ members }: Cluster): Exchange {
  return { headers: new HeaderList(), tries: { current: { endpoint: members[0] } } } as unknown as Exchange
}
