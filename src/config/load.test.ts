import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Type } from 'typebox'
import { stringify } from 'yaml'
import { parseDocument } from './document.ts'
import { loadConfig, type PluginSchema, type ValidConfig } from './load.ts'
import { formatProblem } from './problem.ts'
import { mergeToggles, type ToggleValue } from './toggles.ts'
import { ByteSize, parseUnit } from './units.ts'

const PLUGINS = new Map<string, PluginSchema>(
  [
    { name: 'limit', schema: Type.Object({ max: ByteSize({ default: '1KiB' }) }, { additionalProperties: false }) },
    { name: 'plain', schema: Type.Object({}, { additionalProperties: false }) },
  ].map((plugin) => [plugin.name, plugin]),
)

function load(text: string, env: Record<string, string> = {}): ValidConfig {
  const loaded = loadConfig(parseDocument(text, 'g.yaml', env), PLUGINS)
  assert.ok(loaded.ok, loaded.ok ? '' : loaded.problems.map(formatProblem).join('\n'))
  return loaded.config
}

describe('a valid configuration', () => {
  const text = `version: 1
listeners: [{ name: a, bind: '127.0.0.1:\${PORT:-8080}' }]
upstreams:
  up:
    endpoints:
      - url: http://\${HOST}:1
        weight: \${WEIGHT}
    timeouts: { connect: 1.5s, total: 2m }
plugins: { limit: { max: 2MiB }, plain: {} }
paths: { /a/b: { limit: off }, /**: { plain: off }, /a/**: { limit: { max: 1B } } }
routes: [{ name: r, upstream: up, plugins: { limit: on } }]
`

  it('has numbers for units, defaults, and variables read as YAML reads them', () => {
    const { config } = load(text, { HOST: 'h', WEIGHT: '3' })
    assert.equal(config.listeners[0]!.bind, '127.0.0.1:8080')
    assert.equal(config.listeners[0]!.engine, 'uws')
    const up = config.upstreams!['up']!
    assert.deepEqual(up.endpoints, [{ url: 'http://h:1', weight: 3 }])
    assert.deepEqual(up.timeouts, { connect: 1500, total: 120_000, response: 10_000, idle: 30_000 })
    assert.ok(Object.isFrozen(up.endpoints[0]))
  })

  it('orders path toggles from least to most specific and knows where each was written', () => {
    const { toggles } = load(text, { HOST: 'h', WEIGHT: '3' })
    assert.deepEqual(
      toggles.paths.map(({ pattern }) => pattern.source),
      ['/**', '/a/**', '/a/b'],
    )
    assert.deepEqual(toggles.paths[2]!.toggles, [
      { plugin: 'limit', value: 'off', origin: { where: 'paths./a/b', line: 10, column: 18 } },
    ])
    assert.deepEqual(toggles.routes[0]![0]!.value, 'on')
  })

  it('may escape a variable', () => {
    const { config } = load('version: 1\nlisteners: [{ name: "$${x}", bind: 127.0.0.1:0 }]\nroutes: []\n')
    assert.equal(config.listeners[0]!.name, '${x}')
  })

  it('may be JSON', () => {
    const { config } = load('{"version":1,"listeners":[{"name":"a","bind":"127.0.0.1:0"}],"routes":[]}')
    assert.equal(config.version, 1)
  })
})

describe('toggles', () => {
  const layer = (plugin: string, value: ToggleValue, where: string) => [
    { plugin, value, origin: { where, line: 1, column: 1 } },
  ]
  const merged = (...values: ToggleValue[]) =>
    mergeToggles(
      values.map((value, i) => layer('p', value, String(i))),
      () => 'defaults',
    )[0]!

  it('replace whole, remove, and bring back what was inherited', () => {
    const one = { options: { a: 1 } }
    const two = { options: { b: 2 } }
    assert.deepEqual([merged(one, two).enabled, merged(one, two).options], [true, { b: 2 }])
    assert.equal(merged(one, 'off').enabled, false)
    assert.deepEqual([merged(one, 'off', 'on').enabled, merged(one, 'off', 'on').options], [true, { a: 1 }])
    assert.equal(merged('on').options, 'defaults')
    assert.equal(merged('off', 'on').options, 'defaults')
    assert.deepEqual(
      merged(one, 'off', 'on').origins.map(({ where }) => where),
      ['2', '1', '0'],
    )
  })
})

describe('units', () => {
  it('are read exactly', () => {
    assert.equal(parseUnit('duration', '200ms'), 200)
    assert.equal(parseUnit('duration', '1.5m'), 90_000)
    assert.equal(parseUnit('size', '16KiB'), 16_384)
    assert.equal(parseUnit('rate', '30/m'), 0.5)
    for (const text of ['', '5', '5 s', '-1s', '1e3s', 's', '01s'])
      assert.ok(Number.isNaN(parseUnit('duration', text)), text)
  })
})

describe('anything at all', () => {
  const VALID = `version: 1
listeners: [{ name: a, bind: 127.0.0.1:0 }]
upstreams: { up: { endpoints: [{ url: http://h:1 }], timeouts: { connect: 1s } } }
plugins: { limit: { max: 2MiB } }
paths: { /a/**: { limit: off } }
routes: [{ name: r, match: { path: '/a/{b}', headers: { x: { regex: a } } }, upstream: up, rewrite: { path: '/{b}' } }]
`
  const survives = (text: string): void => {
    const document = parseDocument(text, 'g.yaml', {})
    const loaded = loadConfig(document, PLUGINS)
    if (loaded.ok) return
    assert.ok(loaded.problems.length > 0, 'refused without a reason')
    for (const { line, column } of loaded.problems) assert.ok(line >= 1 && column >= 1)
  }

  it('never throws: mutated text', () => {
    fc.assert(
      fc.property(fc.nat(VALID.length), fc.nat(20), fc.string({ maxLength: 8 }), (at, cut, put) => {
        survives(VALID.slice(0, at) + put + VALID.slice(at + cut))
      }),
      { numRuns: 3000 },
    )
  })

  it('never throws: any tree below any key', () => {
    const key = fc.constantFrom(
      'version',
      'listeners',
      'upstreams',
      'plugins',
      'paths',
      'routes',
      'admin',
      'up',
      'match',
      'name',
      'limit',
      '/a',
      '__proto__',
      'x',
    )
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom(null, true, 0, -1, 1.5, '', 'on', 'off', '/a', '${X}', '${', 'a'),
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.dictionary(key, tie('tree'), { maxKeys: 5 }),
      ),
    }))
    fc.assert(
      fc.property(fc.dictionary(key, tree, { maxKeys: 6 }), (value) => survives(stringify(value))),
      { numRuns: 2000 },
    )
  })
})
