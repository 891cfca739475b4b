import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { LiveStates } from '../base/live-states.ts'
import { MAX_PARAMETERS } from '../base/path-pattern.ts'
import { TimerWheel } from '../base/timer-wheel.ts'
import type { PluginInstance } from '../chain/instance.ts'
import type { ValidConfig } from '../config/load.ts'
import { definePlugin, NEXT, Type, type Plugin } from '../contract/plugin.ts'
import type { Chain, Route } from '../contract/snapshot.ts'
import { standInHost } from '../contract/testing.ts'
import { compile, InvalidConfiguration, start, validate, type Validated } from '../control/publish.ts'
import { Metrics } from '../telemetry/metrics.ts'
import { RequestMetrics } from '../telemetry/request-metrics.ts'
import { TraceExports } from '../telemetry/trace-exports.ts'
import { UpstreamStates } from '../upstreams/states.ts'
import { askFor, edited, edits, route, target, type Edit, type Target } from '../../test/lab/route-patterns.ts'
import { keepingParts } from '../../test/lab/same-config.ts'
import { explainRequest } from './explain.ts'
import type { CompiledSnapshot, LiveState } from './snapshot.ts'

const silent = { debug() {}, info() {}, warn() {}, error() {} }
const REFUSED = 99

function plugin(name: string, order: number): Plugin {
  return definePlugin({
    name,
    order,
    schema: Type.Object({ n: Type.Optional(Type.Integer()) }, { additionalProperties: false }),
    compile({ n }) {
      if (n === REFUSED) throw new Error('not this one')
      return { access: () => NEXT, start: async () => {} }
    },
  })
}

function plugins(revision: string): Plugin[] {
  return [plugin('one', 300), plugin('two', 200), { ...plugin('three', 100), revision }]
}

interface NamedRoute {
  readonly name: string
}

/** What is configured beside routes. */
interface Surroundings {
  readonly plugins: object
  readonly paths: object
  readonly pluginOrder: object
  readonly upstreams: object
  readonly zone: string
  readonly trustedProxies: readonly string[]
}

type Step =
  | { readonly kind: 'routes'; readonly edit: Edit<NamedRoute> }
  | { readonly kind: 'surroundings'; readonly part: Partial<Surroundings> }
  | { readonly kind: 'revision'; readonly revision: string }
  | { readonly kind: 'release'; readonly snapshot: number }
  /** The one that serves goes while the next is made from it. */
  | { readonly kind: 'gone' }

const toggle = fc.oneof(
  fc.constantFrom('on', 'off'),
  fc.record({ n: fc.oneof({ weight: 30, arbitrary: fc.nat(2) }, { weight: 1, arbitrary: fc.constant(REFUSED) }) }),
)
const toggles = fc.dictionary(fc.constantFrom('one', 'two', 'three'), toggle, { maxKeys: 2 })
const action = fc.constantFrom<object>(
  { upstream: 'a' },
  { upstream: 'b' },
  { upstream: 'c' },
  {
    split: [
      { upstream: 'a', weight: 1 },
      { upstream: 'c', weight: 2 },
    ],
  },
  { respond: { body: 'x' } },
  { redirect: { to: 'https://{host}{path}' } },
)
let names = 0
const namedRoute: fc.Arbitrary<NamedRoute> = fc
  .tuple(route, action, fc.option(toggles, { nil: undefined }))
  .map(([{ match, priority }, does, own]) => ({
    name: `r${names++}`,
    match,
    priority,
    ...does,
    ...(own === undefined ? {} : { plugins: own }),
  }))
const paths = fc.dictionary(fc.constantFrom('/**', '/a/**', '/{x}', '/a/b', '/b/{r*}'), toggles, { maxKeys: 3 })
const upstreams = fc
  .tuple(
    fc.nat(1),
    fc.nat(1),
    fc.nat(1),
    fc.constantFrom({}, { fallback: { respond: {} } }, { fallback: { upstream: 'c' } }),
  )
  .map(([a, b, c, fallback]) => ({
    a: { endpoints: [{ url: `http://127.0.0.1:${a + 1}` }], fallback: { upstream: 'b' } },
    b: { endpoints: [{ url: `http://127.0.0.1:${b + 1}` }], ...fallback },
    c: { endpoints: [{ url: `http://127.0.0.1:${c + 1}` }] },
  }))
const surroundings: fc.Arbitrary<Surroundings> = fc.record({
  plugins: toggles,
  paths,
  pluginOrder: fc.dictionary(fc.constantFrom('one', 'three'), fc.constantFrom(50, 250, 500), { maxKeys: 1 }),
  upstreams,
  zone: fc.constantFrom('x', 'x', 'y'),
  trustedProxies: fc.constantFrom([], ['10.0.0.0/8']),
})
const part: fc.Arbitrary<Partial<Surroundings>> = surroundings.chain((all) =>
  fc.constantFrom(...Object.entries(all).map(([key, value]) => ({ [key]: value }))),
)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: edits(namedRoute).map(([edit]) => ({ kind: 'routes' as const, edit: edit! })) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('surroundings' as const), part }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('revision' as const), revision: fc.constantFrom('1', '2') }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('release' as const), snapshot: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('gone' as const) }) },
)

class World {
  #live: LiveState
  #routes: readonly NamedRoute[]
  #around: Surroundings
  #builtIn = plugins('')
  #valid: ValidConfig | null = null
  #current: CompiledSnapshot | null = null
  readonly #held: CompiledSnapshot[] = []
  readonly #targets: readonly Target[]

  constructor(routes: readonly NamedRoute[], around: Surroundings, targets: readonly Target[]) {
    this.#routes = routes
    this.#around = around
    this.#targets = targets
    this.#live = {
      requests: new RequestMetrics(new Metrics()),
      upstreams: new UpstreamStates(new TimerWheel(() => 0), silent, false),
      plugins: {
        available: new Map(),
        instances: new LiveStates<PluginInstance>(() => {}),
        host: () => ({ ...standInHost(), timing: { calls: 0, total: 0 }, close: async () => [] }),
      },
      traces: new TraceExports(silent, () => {}),
    }
  }

  async run(steps: readonly Step[]): Promise<void> {
    await this.#publish(false)
    for (const each of steps) {
      if (each.kind === 'release') {
        const [snapshot] = this.#held.splice(each.snapshot % Math.max(1, this.#held.length), 1)
        snapshot?.release()
        continue
      }
      const before = [this.#routes, this.#around, this.#builtIn] as const
      if (each.kind === 'routes') this.#editRoutes(each.edit)
      else if (each.kind === 'surroundings') this.#around = { ...this.#around, ...each.part }
      else if (each.kind === 'revision') this.#builtIn = plugins(each.revision)
      const published = await this.#publish(each.kind === 'gone')
      if (!published) [this.#routes, this.#around, this.#builtIn] = before
    }
    for (const snapshot of this.#held.splice(0)) snapshot.release()
    this.#current?.release()
  }

  /** A route that changes keeps its name. */
  #editRoutes(edit: Edit<NamedRoute>): void {
    const before = this.#routes
    this.#routes = edited(before, edit).map((each, i) =>
      edit.kind === 'change' && before.length > 0 && each === edit.entry ? { ...each, name: before[i]!.name } : each,
    )
  }

  /** False: refused, and nothing has changed. */
  async #publish(goes: boolean): Promise<boolean> {
    const config = {
      version: 1,
      listeners: [{ name: 'main', bind: '127.0.0.1:0' }],
      ...this.#around,
      routes: this.#routes,
    }
    let validated: Validated
    try {
      validated = await validate(JSON.stringify(config), '/sluice.yaml', this.#builtIn)
    } catch (error) {
      // Random routes may ask for what makes no sense.
      assert.ok(error instanceof InvalidConfiguration)
      return false
    }
    const valid = this.#valid === null ? validated.valid : keepingParts(this.#valid, validated.valid)
    validated = { ...validated, valid }
    const live = { ...this.#live, plugins: { ...this.#live.plugins, available: validated.plugins } }
    const sizes = this.#sizes()
    const [anew, refusal] = await outcome(compile(validated, 1, live, null))
    const compiling = outcome(compile(validated, 1, live, this.#current))
    const gone = goes && anew !== null
    if (gone) this.#current?.release()
    const [next, refusalOfNext] = await compiling
    assert.deepEqual(refusalOfNext, refusal)
    if (next === null || anew === null) {
      assert.deepEqual(this.#sizes(), sizes)
      return false
    }
    await start(validated, next)
    for (const instance of live.plugins.instances.values()) assert.ok(instance.isStarted)
    this.#judge(next, anew)
    anew.release()
    if (this.#current !== null && !gone) {
      judgeSharing(this.#current, next)
      this.#held.push(this.#current)
    }
    this.#live = live
    this.#valid = valid
    this.#current = next
    return true
  }

  #judge(next: CompiledSnapshot, anew: CompiledSnapshot): void {
    assert.deepEqual([...next.upstreams.keys()], [...anew.upstreams.keys()])
    for (const [name, upstream] of next.upstreams) {
      const { fallback } = next.config.upstreams![name]!
      assert.equal(upstream.cluster, anew.upstreams.get(name)!.cluster)
      if (fallback === undefined) assert.equal(upstream.fallback, null)
      else if ('respond' in fallback) assert.ok(upstream.fallback!.respond !== null)
      else assert.equal(upstream.fallback!.upstream, next.upstreams.get(fallback.upstream))
    }
    assert.equal(next.routes.length, this.#routes.length)
    for (const [i, each] of next.routes.entries()) judgeRoute(each, anew.routes[i]!, next, i)
    judgeRoute(next.unmatched, anew.unmatched, next, -1)
    assert.deepEqual(next.layers, anew.layers)
    assert.equal(next.trustedProxies === null, anew.trustedProxies === null)
    for (const asked of this.#targets) {
      const request = (): Parameters<typeof explainRequest>[2] => ({
        ...askFor(asked),
        offsets: new Int32Array(MAX_PARAMETERS * 2),
      })
      assert.deepEqual(explainRequest(next, 'f', request()), explainRequest(anew, 'f', request()))
    }
  }

  #sizes(): number[] {
    const { endpoints, clusters, budgets, splits } = this.#live.upstreams
    return [this.#live.plugins.instances, endpoints, clusters, budgets, splits].map(({ size }) => size)
  }

  judgeEnd(): void {
    assert.deepEqual(this.#sizes(), [0, 0, 0, 0, 0])
    assert.equal(this.#live.requests.routes, 0)
  }
}

async function outcome(compiling: Promise<CompiledSnapshot>): Promise<[CompiledSnapshot | null, string[]]> {
  try {
    return [await compiling, []]
  } catch (error) {
    assert.ok(error instanceof InvalidConfiguration)
    return [null, error.problems.map(({ key, message }) => `${key}: ${message}`).toSorted()]
  }
}

/** Compiled beside each other, both have borrowed the same. */
function judgeRoute(one: Route, other: Route, { config, upstreams }: CompiledSnapshot, i: number): void {
  assert.deepEqual([one.name, one.pattern, one.parameters], [other.name, other.pattern, other.parameters])
  assert.equal(one.metrics, other.metrics)
  const named = config.routes[i]?.upstream
  assert.equal(one.upstream, named === undefined ? null : upstreams.get(named))
  for (const shared of config.routes[i]?.split ?? [])
    assert.ok(
      shared.weight === 0 ||
        Array.from({ length: 9 }, () => one.split!.pick()).includes(upstreams.get(shared.upstream)!),
    )
  assert.deepEqual(one.respond, other.respond)
  assert.equal(one.redirect === null, other.redirect === null)
  judgeChain(one.chain, other.chain)
  assert.equal(one.picker === null, other.picker === null)
  for (const path of ['/', '/a', '/a/b', '/a/b/', '/b/c/d'])
    if (one.picker !== null) judgeChain(one.picker.pick(path), other.picker!.pick(path))
}

function judgeChain({ access: one }: Chain, { access: other }: Chain): void {
  assert.equal(one?.length, other?.length)
  for (const [i, { plugin: name, run }] of (one ?? []).entries())
    assert.ok(name === other![i]!.plugin && run === other![i]!.run, 'another instance')
}

/** What has not changed is the same as before. */
function judgeSharing(before: CompiledSnapshot, next: CompiledSnapshot): void {
  const around = (snapshot: CompiledSnapshot): unknown[] => {
    const { config, toggles, plugins: available } = snapshot
    return [toggles.global, toggles.paths, JSON.stringify(config.pluginOrder), ...available.values()]
  }
  const other = around(next)
  if (around(before).some((each, i) => each !== other[i])) return
  for (const [i, config] of next.config.routes.entries()) {
    const place = before.config.routes.indexOf(config)
    if (place < 0 || before.toggles.routes[place] !== next.toggles.routes[i]) continue
    const used = [config.upstream, ...(config.split ?? []).map(({ upstream }) => upstream)].filter(
      (name) => name !== undefined,
    )
    if (used.every((name) => before.upstreams.get(name) === next.upstreams.get(name)))
      assert.equal(next.routes[i], before.routes[place], config.name)
  }
}

describe('a snapshot that follows another', () => {
  it('is as one that is compiled from nothing, shares what has not changed, and gives everything back', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(namedRoute, { maxLength: 10 }),
        surroundings,
        fc.array(step, { minLength: 1, maxLength: 12 }),
        fc.array(target, { minLength: 2, maxLength: 4 }),
        async (routes, around, steps, targets) => {
          const world = new World(routes, around, targets)
          await world.run(steps)
          world.judgeEnd()
        },
      ),
      { numRuns: Number(process.env['RUNS'] ?? 100) },
    )
  })
})
