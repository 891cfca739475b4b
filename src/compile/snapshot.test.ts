import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { HeaderList } from '../base/headers.ts'
import { LiveStates } from '../base/live-states.ts'
import { TimerWheel } from '../base/timer-wheel.ts'
import type { PluginInstance } from '../chain/instance.ts'
import type { Exchange } from '../contract/exchange.ts'
import { FAILED_THERE, SUCCEEDED, UNKNOWN, type Endpoint } from '../contract/upstream.ts'
import { compile, validate } from '../control/publish.ts'
import type { DiscoveredEndpoint } from '../upstreams/discovery/source.ts'
import { Metrics } from '../telemetry/metrics.ts'
import { RequestMetrics } from '../telemetry/request-metrics.ts'
import { TraceExports } from '../telemetry/trace-exports.ts'
import { UpstreamStates } from '../upstreams/states.ts'
import type { Cluster } from '../upstreams/cluster.ts'
import type { CompiledSnapshot, LiveState } from './snapshot.ts'

// Nobody listens there.
const URLS = [1, 2, 3, 4].map((port) => `http://127.0.0.1:${port}`)

const endpoint = fc.record(
  {
    weight: fc.nat(3),
    zone: fc.constantFrom('a', 'b'),
    region: fc.constantFrom('x', 'y'),
    metadata: fc.record({ build: fc.constantFrom('1', '2') }),
  },
  { requiredKeys: [] },
)
const found = fc
  .subarray(URLS)
  .chain((urls) => fc.tuple(...urls.map((url) => endpoint.map((rest) => ({ ...rest, url })))))
const listed = found.filter((list) => list.some(({ weight }) => weight !== 0))

const source = (serving: boolean) => [
  fc.record({
    dns: fc.record({
      name: fc.constantFrom('one.test', 'two.test'),
      port: fc.constantFrom(1, 2),
      servers: fc.constant(['127.0.0.1:1']),
    }),
  }),
  // Its client is heavy: only where it is not asked to connect.
  ...(serving ? [] : [fc.record({ etcd: fc.constant({ hosts: ['http://127.0.0.1:1'] }) })]),
]

const upstream = (serving: boolean) =>
  fc
    .tuple(
      fc.oneof(
        listed.map((endpoints) => ({ endpoints })),
        fc.oneof(...source(serving)).map((discovery) => ({ discovery })),
      ),
      fc.record(
        {
          balance: fc.constantFrom('round-robin', 'least-connections', 'p2c', 'consistent-hash', 'random'),
          sticky: fc.constant({ cookie: 'where' }),
          slowStart: fc.constantFrom('0s', '10s'),
          loadAware: fc.constantFrom({ interval: '0s' }, { transition: '1s' }),
          panic: fc.constantFrom('0%', '50%', '100%'),
          spillOver: fc.constantFrom('1%', '100%'),
          timeouts: fc.constantFrom({ connect: '1s' }, { response: '1s' }),
          retries: fc.constantFrom({ attempts: 0 }, { attempts: 2 }, { budget: '10%' }),
          hedge: fc.constantFrom({}, { after: '10ms' }),
          health: fc.constantFrom({ interval: '10ms' }, { path: '/', interval: '10ms' }),
          outlier: fc.constantFrom({ consecutive: 1 }, { consecutive: 2, maxEjected: '100%' }),
          breaker: fc.constantFrom(
            { minimum: 1 },
            { minimum: 1, per: ['upstream'] },
            { minimum: 2, per: ['endpoint'] },
          ),
          fallback: fc.constantFrom({ respond: {} }, { upstream: 'spare' }),
          connections: fc.constant({ max: 1 }),
        },
        { requiredKeys: [] },
      ),
    )
    .map(([members, rest]) => ({ ...members, ...rest }))

const configuration = (serving: boolean) =>
  fc
    .tuple(
      fc.dictionary(fc.constantFrom('one', 'two'), upstream(serving), { minKeys: 1, maxKeys: 2 }),
      fc.constantFrom({}, { zone: 'a' }, { zone: 'a', region: 'x' }, { region: 'y' }),
    )
    .map(([upstreams, place]) => ({
      version: 1,
      listeners: [{ name: 'main', bind: '127.0.0.1:0' }],
      ...place,
      upstreams: { ...upstreams, spare: { endpoints: [{ url: URLS[0]! }] } },
      routes: Object.keys(upstreams).map((name, i) =>
        i === 0 ? { name, upstream: name } : { name, split: [{ upstream: name, weight: 1 }] },
      ),
    }))

type Step =
  | { readonly kind: 'compile'; readonly config: number }
  | { readonly kind: 'release'; readonly snapshot: number }
  | { readonly kind: 'tell'; readonly endpoints: readonly Partial<DiscoveredEndpoint>[] }
  | { readonly kind: 'ask'; readonly outcomes: readonly number[] }
  | { readonly kind: 'pass'; readonly ms: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('compile' as const), config: fc.nat(3) }),
  fc.record({ kind: fc.constant('release' as const), snapshot: fc.nat(3) }),
  fc.record({ kind: fc.constant('tell' as const), endpoints: found }),
  fc.record({
    kind: fc.constant('ask' as const),
    outcomes: fc.array(fc.constantFrom(SUCCEEDED, FAILED_THERE, FAILED_THERE, UNKNOWN), { maxLength: 8 }),
  }),
  fc.record({ kind: fc.constant('pass' as const), ms: fc.constantFrom(600, 40_000) }),
)

const silent = { debug() {}, info() {}, warn() {}, error() {} }

/** A request as far as an upstream looks at it. */
function request(failed: readonly Endpoint[] = []): Exchange {
  return { headers: new HeaderList(), clientIp: '192.0.2.1', tries: { failed } } as unknown as Exchange
}

class World {
  time = 0
  readonly wheel = new TimerWheel(() => this.time)
  readonly states: UpstreamStates
  readonly #live: LiveState
  readonly #held: CompiledSnapshot[] = []
  /** Everything that can be listened to, ever. */
  readonly #heard = new Set<{ readonly listeners: number }>()
  readonly #pending: (() => void)[] = []

  constructor(serving: boolean) {
    this.states = new UpstreamStates(this.wheel, silent, serving)
    const plugins = { available: new Map(), instances: new LiveStates<PluginInstance>(() => {}), host: () => null! }
    const requests = new RequestMetrics(new Metrics())
    this.#live = { requests, upstreams: this.states, plugins, traces: new TraceExports(silent, () => {}) }
  }

  async run(steps: readonly Step[], configs: readonly object[]): Promise<void> {
    for (const each of steps) {
      if (each.kind === 'compile') {
        const valid = await validate(JSON.stringify(configs[each.config % configs.length]), '/sluice.yaml', [])
        this.#held.push(await compile(valid, 1, this.#live, null))
      } else if (each.kind === 'release') {
        this.#release(each.snapshot)
      } else if (each.kind === 'tell') {
        for (const found of this.states.sources.values()) found.tell(each.endpoints.map(complete))
      } else if (each.kind === 'ask') {
        this.#ask(each.outcomes)
      } else {
        this.time += each.ms
        this.wheel.advance()
      }
      const { checks, breakers, records, sources } = this.states
      for (const one of [checks, breakers, sources].flatMap((all) => all.values() as { listeners: number }[]))
        this.#heard.add(one)
      for (const { watched } of records.values()) this.#heard.add(watched)
      for (const cluster of this.states.clusters.values()) judge(cluster)
    }
    for (const end of this.#pending.splice(0)) end()
    while (this.#held.length > 0) this.#release(0)
  }

  /** Some requests are answered now, and some after whatever comes next. */
  #ask(outcomes: readonly number[]): void {
    for (const end of this.#pending.splice(0)) end()
    for (const { upstreams } of this.#held)
      for (const { cluster } of upstreams.values())
        for (const [i, outcome] of outcomes.entries()) {
          const member = cluster.pick(request(cluster.members.slice(0, i % 3)))
          if (member === null) continue
          const ticket = member.begin()
          const end = (): void => {
            member.settle(ticket, outcome as typeof SUCCEEDED, outcome === SUCCEEDED ? i : -1)
            member.end(false)
          }
          if (i % 2 === 0) end()
          else this.#pending.push(end)
        }
  }

  #release(index: number): void {
    const [snapshot] = this.#held.splice(index % Math.max(1, this.#held.length), 1)
    snapshot?.release()
  }

  judgeEnd(): void {
    const { endpoints, checks, breakers, detectors, records, clusters, sources, budgets, splits } = this.states
    for (const left of [endpoints, checks, breakers, detectors, records, clusters, sources, budgets, splits])
      assert.equal(left.size, 0)
    assert.equal(this.wheel.size, 0, 'a timer is armed')
    for (const { listeners } of this.#heard) assert.equal(listeners, 0)
  }
}

function complete({ url = '', weight = 1, zone = '', region = '', metadata = {} }: Partial<DiscoveredEndpoint>) {
  return { url, weight, zone, region, metadata }
}

function judge(cluster: Cluster): void {
  const shares = cluster.shares()
  assert.deepEqual([...shares.keys()].toSorted(byUrl), [...cluster.members].toSorted(byUrl))
  let sum = 0
  for (const [member, share] of shares) {
    assert.ok(share >= 0 && share <= 1, `${share}`)
    if (member.origin.weight === 0) assert.equal(share, 0)
    sum += share
  }
  assert.ok(sum === 0 || Math.abs(sum - 1) < 1e-9, `the shares are ${sum} together`)
  for (let i = 0; i < 3; i++) {
    const member = cluster.pick(request(cluster.members.slice(0, i)))
    if (member === null) continue
    assert.ok(member.origin.weight > 0 && cluster.members.includes(member))
    assert.ok(sum > 0)
  }
  assert.equal(cluster.pick(request()) === null, sum === 0 || !cluster.admits)
}

function byUrl(a: Endpoint, b: Endpoint): number {
  return a.url < b.url ? -1 : 1
}

describe('what snapshots borrow', () => {
  for (const serving of [false, true]) {
    it(`is given back in every order, ${serving ? 'while it is asked' : 'only looked at'}`, async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(configuration(serving), { minLength: 1, maxLength: 3 }),
          fc.array(step, { minLength: 1, maxLength: 20 }),
          async (configs, steps) => {
            const world = new World(serving)
            await world.run([{ kind: 'compile', config: 0 }, ...steps], configs)
            world.judgeEnd()
          },
        ),
        { numRuns: Number(process.env['RUNS'] ?? 300) },
      )
    })
  }
})
