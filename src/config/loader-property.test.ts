// Whatever happens to a configuration, change by change: what serves is what one would get from nothing, and nothing of it is
// made anew that has not changed.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Type } from 'typebox'
import { ConfigLoader, type LoadResult } from './loader.ts'
import { formatProblem } from './problem.ts'
import { isSame } from './frozen.ts'
import type { ValidConfig } from './valid-config.ts'

const CLOSED = { additionalProperties: false }
const PLUGINS = new Map(
  [
    { name: 'plain', schema: Type.Object({}, CLOSED) },
    { name: 'limit', schema: Type.Object({ max: Type.Integer() }, CLOSED) },
  ].map((plugin) => [plugin.name, plugin]),
)
const NO_VARIABLES = {}
const ORIGIN = 'etcd:/sluice/edge/'

const TOGGLES = ['{ plain: {} }', '{ limit: { max: 1 } }', '{ limit: on }', '{ limit: off, plain: on }', '{}']
const UPSTREAMS = ['u', 'v', 'w'].map((name) => `{ endpoints: [{ url: http://${name}:1 }] }`)
const routeText = fc.oneof(
  fc
    .tuple(fc.constantFrom('upstream: u', 'upstream: v', 'respond: {}', 'upstream: w'), fc.constantFrom(...TOGGLES))
    .map(([action, toggles]) => `${action}\nplugins: ${toggles}\n`),
  fc.constantFrom('respond: { status: 1 }', 'nothing: 1', '{', '{"respond":{},"plugins":{"plain":{}}}'),
)
const upstreamText = fc.constantFrom(
  ...UPSTREAMS,
  '{ endpoints: [] }',
  ...['u', 'v', 'w'].map((to) => `{ endpoints: [{ url: http://h:1 }], fallback: { upstream: ${to} } }`),
)
const pathsText = fc
  .array(fc.tuple(fc.constantFrom('/a', '/b/**', '/**'), fc.constantFrom(...TOGGLES)), { maxLength: 3 })
  .map((entries) => `{ ${[...new Map(entries)].map(([path, toggles]) => `${path}: ${toggles}`).join(', ')} }`)

const change = fc.oneof(
  fc.tuple(fc.constantFrom('routes/a', 'routes/b', 'routes/c'), fc.option(routeText)),
  fc.tuple(fc.constantFrom('upstreams/u', 'upstreams/v', 'upstreams/w'), fc.option(upstreamText)),
  fc.tuple(fc.constant('paths'), fc.option(pathsText)),
  fc.tuple(fc.constant('plugins'), fc.option(fc.constantFrom(...TOGGLES))),
)
const fileText = fc
  .record({
    blank: fc.nat(2),
    routes: fc.subarray([
      '{ name: f, respond: {}, plugins: { plain: on } }',
      '{ name: a, respond: {} }',
      '{ name: g, upstream: w }',
    ]),
    more: fc.subarray([
      'drainTimeout: 5s',
      'plugins: { plain: {} }',
      `upstreams: { w: ${UPSTREAMS[2]!} }`,
      'paths: { /f: { plain: off } }',
    ]),
  })
  .map(
    ({ blank, routes, more }) =>
      `${'\n'.repeat(blank)}version: 1\nlisteners: [{ name: a, bind: 127.0.0.1:0 }]\n${more.join('\n')}\nroutes: [${routes.join(', ')}]\n`,
  )
const step = fc.record({
  items: fc.array(change, { maxLength: 3 }),
  file: fc.option(fileText, { freq: 3 }),
  commit: fc.boolean(),
})

async function load(loader: ConfigLoader, file: string, items: ReadonlyMap<string, string>): Promise<LoadResult> {
  const document = await loader.parse(file, 'g.yaml', NO_VARIABLES)
  return loader.load({ document, shared: { origin: ORIGIN, items: new Map(items) }, plugins: PLUGINS })
}

/** The functions in it are not compared. */
function plain({ config, toggles }: ValidConfig): unknown {
  return { config, toggles }
}

/** `isMoved`: from the file to the store, or the other way. */
function assertKept(before: ValidConfig, now: ValidConfig, isMoved: (key: string) => boolean): void {
  for (const [i, route] of now.config.routes.entries()) {
    const j = before.config.routes.findIndex(({ name }) => name === route.name)
    const old = before.config.routes[j]
    if (old !== undefined && isSame(old, route) && !isMoved(`routes/${route.name}`)) {
      assert.equal(route, old, `route ${route.name} is made anew`)
      assert.equal(now.toggles.routes[i], before.toggles.routes[j], `toggles of ${route.name} are made anew`)
    }
  }
  for (const [name, upstream] of Object.entries(now.config.upstreams ?? {})) {
    const old = before.config.upstreams?.[name]
    if (isSame(old, upstream) && !isMoved(`upstreams/${name}`))
      assert.equal(upstream, old, `upstream ${name} is made anew`)
  }
  if (isSame(now.config.plugins, before.config.plugins) && !isMoved('plugins'))
    assert.equal(now.toggles.global, before.toggles.global)
  for (const entry of now.toggles.paths) {
    const { source } = entry.pattern
    const old = before.toggles.paths.find(({ pattern }) => pattern.source === source)
    if (isSame(before.config.paths?.[source], now.config.paths?.[source]) && !isMoved('paths'))
      assert.equal(entry, old, `paths ${source}`)
  }
  assert.equal(now.config.listeners, before.config.listeners)
}

describe('change by change', () => {
  it('comes to the same as from nothing, and keeps what has not changed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
        const loader = new ConfigLoader()
        const items = new Map<string, string>()
        /** Text of what serves, by key. */
        let good = new Map<string, string>()
        let goodFile = 'version: 1\nlisteners: [{ name: a, bind: 127.0.0.1:0 }]\nroutes: []\n'
        let serving: ValidConfig | null = null
        for (const { items: changes, file: text, commit } of steps) {
          for (const [key, value] of changes) {
            if (value === null) items.delete(key)
            else items.set(key, value)
          }
          const file = text ?? goodFile
          const result = await load(loader, file, items)
          if (!result.ok) {
            const fresh = await load(new ConfigLoader(), file, items)
            if (fresh.ok)
              assert.match(result.problems.map(formatProblem).join('\n'), /any more|there is no|circle|nothing that/)
            continue
          }
          const left = new Map(items)
          for (const { key, kept, problems } of result.rejected) {
            assert.ok(problems.length > 0)
            assert.equal(kept, kept && good.has(key))
            if (kept) left.set(key, good.get(key)!)
            else left.delete(key)
          }
          if (!commit && serving !== null) continue
          loader.commit(result.config)
          const fresh = await load(new ConfigLoader(), file, left)
          assert.ok(fresh.ok, fresh.ok ? '' : fresh.problems.map(formatProblem).join('\n'))
          assert.deepEqual(fresh.rejected, [])
          assert.deepEqual(plain(result.config), plain(fresh.config))
          if (serving !== null) assertKept(serving, result.config, (key) => good.has(key) !== left.has(key))
          serving = result.config
          good = left
          goodFile = file
        }
      }),
      { numRuns: 400 },
    )
  })
})
