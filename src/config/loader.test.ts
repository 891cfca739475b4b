import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Type } from 'typebox'
import { parseDocument } from './document.ts'
import { ConfigLoader, type LoadResult } from './loader.ts'
import { formatProblem } from './problem.ts'
import type { PluginSchema } from './toggle-reader.ts'

const CLOSED = { additionalProperties: false }
const plugin = (name: string, schema = Type.Object({}, CLOSED)): [string, PluginSchema] => [name, { name, schema }]
const PLUGINS = new Map([plugin('plain'), plugin('limit', Type.Object({ max: Type.Integer() }, CLOSED) as never)])
const FILE = 'version: 1\nlisteners: [{ name: a, bind: 127.0.0.1:0 }]\n'
const UP = '{ endpoints: [{ url: http://h:1 }] }'
const NO_VARIABLES = {}
const ORIGIN = 'etcd:/sluice/edge/'

/** A loader with what it was given. */
class Lab {
  readonly loader = new ConfigLoader()
  readonly items = new Map<string, string>()
  file = `${FILE}routes: []\n`
  plugins = PLUGINS

  /** null: the item goes. */
  async load(change: Record<string, string | null> = {}): Promise<LoadResult> {
    for (const [key, text] of Object.entries(change)) {
      if (text === null) this.items.delete(key)
      else this.items.set(key, text)
    }
    const document = await this.loader.parse(this.file, 'g.yaml', NO_VARIABLES)
    return this.loader.load({
      document,
      shared: { origin: ORIGIN, items: new Map(this.items) },
      plugins: this.plugins,
    })
  }

  async commit(change: Record<string, string | null> = {}): Promise<Extract<LoadResult, { ok: true }>> {
    const result = await this.load(change)
    assert.ok(result.ok, result.ok ? '' : result.problems.map(formatProblem).join('\n'))
    this.loader.commit(result.config)
    return result
  }
}

function told(result: LoadResult): string[] {
  if (!result.ok) return result.problems.map(formatProblem)
  return result.rejected.flatMap(({ kept, problems }) =>
    problems.map((problem) => `${kept ? 'kept' : 'left out'} ${formatProblem(problem)}`),
  )
}

function names(result: LoadResult): string {
  assert.ok(result.ok)
  return result.config.config.routes.map(({ name }) => name).join(' ')
}

describe('shared items', () => {
  it('come after those of the file, sorted by key, with the position of their plugins in their own text', async () => {
    const lab = new Lab()
    lab.file = `${FILE}routes: [{ name: z, respond: {} }]\n`
    const { config } = await lab.commit({
      'routes/b': '{"respond":{},"plugins":{"limit":{"max":1}}}',
      'routes/a': 'upstream: up\nplugins:\n  plain: on\n',
      'upstreams/up': UP,
      paths: '/x/**: { plain: off }',
    })
    assert.deepEqual(
      config.config.routes.map(({ name }) => name),
      ['z', 'a', 'b'],
    )
    assert.deepEqual(config.toggles.routes[1]![0]!.origin, {
      where: 'routes/a.plugins',
      file: `${ORIGIN}routes/a`,
      line: 3,
      column: 3,
    })
    assert.deepEqual(config.toggles.routes[2]![0]!.origin, {
      where: 'routes/b.plugins',
      file: `${ORIGIN}routes/b`,
      line: 1,
      column: 26,
    })
    assert.deepEqual(config.toggles.paths[0]!.toggles[0]!.origin, {
      where: 'paths./x/**',
      file: `${ORIGIN}paths`,
      line: 1,
      column: 10,
    })
    assert.equal(config.config.upstreams!['up']!.endpoints![0]!.weight, 1)
  })

  const BAD: readonly [what: string, key: string, text: string, told: string][] = [
    ['syntax', 'routes/a', 'respond: {', 'routes/a:1:11 routes/a: invalid YAML'],
    ['schema', 'routes/a', 'respond: { status: 1 }', 'routes/a:1:20 routes/a.respond.status: expected a whole number'],
    [
      'an unknown key',
      'routes/a',
      'respond: {}\nrespnd: {}',
      'routes/a:2:1 routes/a.respnd: unknown key "respnd"; did you mean',
    ],
    ['a reference', 'routes/a', 'upstream: nowhere', 'routes/a:1:11 routes/a.upstream: there is no upstream "nowhere"'],
    ['another name', 'routes/a', 'name: b\nrespond: {}', 'routes/a:1:7 routes/a.name: "b" is not the name in the key'],
    ['no mapping', 'routes/a', '- b', 'routes/a:1:1 routes/a: expected a mapping'],
    ['nothing', 'routes/a', '', 'routes/a:1:1 routes/a: expected a mapping (key: value), saw nothing'],
    ['a variable', 'routes/a', 'respond: { body: "${HOME}" }', 'variables are replaced in the file of a gateway only'],
    ['what comes later', 'routes/a', 'respond: {}\ntimeouts: {}', '"timeouts" is not supported yet'],
    ['a plugin', 'plugins', 'plain: { a: 1 }', 'plugins:1:10 plugins.plain.a: unknown key "a"'],
    ['a switch', 'paths', '/a: { limit: on }', 'paths:1:14 paths./a.limit: plugin "limit" has required options'],
    ['the file too', 'routes/f', 'respond: {}', 'the file has a route "f" too'],
    ['an upstream', 'upstreams/a b', UP, 'upstreams/a b:1:1 upstreams/a b: upstream name "a b" may have'],
  ]
  for (const [what, key, text, message] of BAD) {
    it(`are left out alone when they are bad: ${what}`, async () => {
      const lab = new Lab()
      lab.file = `${FILE}routes: [{ name: f, respond: {} }]\n`
      const result = await lab.load({ 'routes/ok': 'respond: {}', [key]: text })
      assert.equal(names(result), 'f ok')
      assert.equal(told(result).length, 1, told(result).join('\n'))
      assert.ok(told(result)[0]!.startsWith('left out '), told(result)[0])
      assert.ok(told(result)[0]!.includes(message), told(result)[0])
    })
  }

  it('keep their last good form until they are mended', async () => {
    const lab = new Lab()
    const first = await lab.commit({ 'routes/a': 'respond: { status: 200 }' })
    const bad = await lab.commit({ 'routes/a': 'respond: { status: 1 }', 'routes/b': 'respond: {}' })
    assert.match(told(bad)[0]!, /^kept .*routes\/a:1:20/)
    assert.equal(bad.config.config.routes[0], first.config.config.routes[0])
    const still = await lab.commit()
    assert.equal(still.config, bad.config)
    assert.deepEqual(told(still), told(bad))
    const good = await lab.commit({ 'routes/a': 'respond: { status: 201 }' })
    assert.deepEqual(told(good), [])
    assert.equal(good.config.config.routes[0]!.respond!.status, 201)
  })

  it('have ${ when it is written as $${', async () => {
    const lab = new Lab()
    const { config } = await lab.commit({ 'routes/a': 'respond: { body: "$${HOME}" }' })
    assert.equal(config.config.routes[0]!.respond!.body, '${HOME}')
  })

  it('are told of keys that mean nothing, but for those of the store itself', async () => {
    const lab = new Lab()
    const { warnings } = await lab.commit({
      'routs/a': 'x',
      commit: '{}',
      lock: '',
      'status/gw-1': '{}',
      'routes/': '',
    })
    assert.deepEqual(
      warnings.map(({ key }) => key),
      ['routs/a', 'routes/'],
    )
  })
})

describe('a whole that holds', () => {
  it('keeps a deleted upstream as long as a route names it', async () => {
    const lab = new Lab()
    const first = await lab.commit({ 'upstreams/up': UP, 'routes/a': 'upstream: up' })
    const without = await lab.commit({ 'upstreams/up': null })
    assert.match(told(without)[0]!, /^kept .*upstreams\/up: it is deleted, but .*routes\/a needs it/)
    assert.equal(without.config, first.config)
    assert.equal(names(await lab.commit({ 'routes/b': 'upstream: up' })), 'a b')
    const gone = await lab.commit({ 'routes/a': null, 'routes/b': 'respond: {}' })
    assert.deepEqual(told(gone), [])
    assert.equal(gone.config.config.upstreams, undefined)
    assert.match(told(await lab.load({ 'routes/c': 'upstream: up' }))[0]!, /^left out .*there is no upstream "up"/)
  })

  it('keeps what a last good form needs', async () => {
    const lab = new Lab()
    await lab.commit({ 'upstreams/old': UP, 'upstreams/new': UP, 'routes/a': 'upstream: old' })
    const result = await lab.commit({ 'upstreams/old': null, 'routes/a': 'upstream: nwe' })
    assert.deepEqual(
      result.rejected.map(({ key, kept }) => [key, kept]),
      [
        ['routes/a', true],
        ['upstreams/old', true],
      ],
    )
    assert.match(told(result)[0]!, /did you mean "new"/)
    assert.equal(result.config.config.routes[0]!.upstream, 'old')
  })

  it('has no circle of fallbacks', async () => {
    const lab = new Lab()
    const up = (to: string): string => `{ endpoints: [{ url: http://h:1 }], fallback: { upstream: ${to} } }`
    await lab.commit({ 'upstreams/a': up('b'), 'upstreams/b': up('c'), 'upstreams/c': UP })
    const result = await lab.commit({ 'upstreams/c': up('a') })
    assert.deepEqual(told(result), [
      `kept ${ORIGIN}upstreams/c:1:59 upstreams/c.fallback.upstream: fallbacks go round in a circle: c -> a -> b -> c`,
    ])
  })

  it('keeps the options that others switch on', async () => {
    const lab = new Lab()
    await lab.commit({ plugins: 'limit: { max: 1 }', 'routes/a': 'respond: {}\nplugins: { limit: on }' })
    assert.match(told(await lab.commit({ plugins: 'limit: off' }))[0]!, /^kept .*plugins: it brings no options/)
    assert.match(told(await lab.commit({ plugins: null }))[0]!, /^kept .*plugins: it brings no options/)
  })

  it('lets the file take a name over, and refuses a file that takes away what shared routes need', async () => {
    const lab = new Lab()
    lab.file = `${FILE}routes: []\nupstreams: { up: ${UP} }\n`
    await lab.commit({ 'routes/a': 'upstream: up' })
    lab.file = `${FILE}routes: []\n`
    assert.match(told(await lab.load())[0]!, /^g\.yaml.*there is no upstream "up" any more, but .*routes\/a names it/)
    lab.file = `${FILE}routes: [{ name: a, respond: {} }]\n`
    const result = await lab.commit()
    assert.match(told(result)[0]!, /^left out .*the file has a route "a" too/)
    assert.equal(result.config.config.routes.length, 1)
  })

  it('refuses a file that is wrong, with every problem at once', async () => {
    const lab = new Lab()
    lab.file = `${FILE}routes: [{ name: a, upstream: nowhere }]\nworkrs: 1\n`
    assert.deepEqual(
      told(await lab.load()).map((line) => line.split(' ')[0]),
      ['g.yaml:3:31', 'g.yaml:4:1'],
    )
    lab.file = FILE
    assert.deepEqual(told(await lab.load()), ['g.yaml:1:1 "routes" is missing'])
  })
})

describe('plugins', () => {
  it('that refuse a shared item leave its last good form until its text changes', async () => {
    const lab = new Lab()
    await lab.commit({ 'routes/a': 'respond: {}' })
    const text = 'respond: {}\nplugins: { plain: {} }'
    const refused = await lab.load({ 'routes/a': text, 'routes/b': text })
    assert.ok(refused.ok)
    const problem = { file: `${ORIGIN}routes/a`, line: 2, column: 12, key: 'routes/a.plugins.plain', message: 'no' }
    assert.equal(lab.loader.refuse([problem, { ...problem, file: 'g.yaml' }]), false)
    assert.equal(lab.loader.refuse([problem], refused.config), true)
    for (let i = 0; i < 2; i++) {
      const again = await lab.commit()
      assert.deepEqual(told(again), [`kept ${formatProblem(problem)}`])
      assert.deepEqual(
        again.config.toggles.routes.map((toggles) => toggles.length),
        [0, 1],
      )
    }
    lab.loader.pardon()
    const pardoned = await lab.load()
    assert.ok(pardoned.ok)
    assert.deepEqual(told(pardoned), [])
    assert.equal(lab.loader.refuse([problem], pardoned.config), true)
    assert.deepEqual(told(await lab.commit()), [`kept ${formatProblem(problem)}`])
    assert.deepEqual(told(await lab.commit({ 'routes/a': `${text} # mended` })), [])
    assert.equal(lab.loader.refuse([problem]), false, 'it serves')
  })

  it('that change and refuse what serves cannot blame the item, whose last good form is no better', async () => {
    const lab = new Lab()
    const text = 'respond: {}\nplugins: { plain: {} }'
    await lab.commit({ 'routes/a': text, 'routes/b': text })
    const problem = { file: `${ORIGIN}routes/a`, line: 2, column: 12, key: 'routes/a.plugins.plain', message: 'no' }
    lab.plugins = new Map([...PLUGINS, plugin('plain')])
    for (const change of [{}, { 'routes/a': 'respond: 1' }]) {
      const result = await lab.load(change)
      assert.ok(result.ok)
      assert.equal(lab.loader.refuse([problem], result.config), false)
    }
    const result = await lab.load({ 'routes/a': `${text} # another` })
    assert.ok(result.ok)
    assert.equal(lab.loader.refuse([problem], result.config), true, 'what is new is to blame')
    assert.deepEqual(told(await lab.load()), [`kept ${formatProblem(problem)}`])
  })

  it('that change are looked at anew, and must take what serves', async () => {
    const lab = new Lab()
    const before = await lab.commit({
      'routes/a': 'respond: {}\nplugins: { plain: {} }',
      'routes/b': 'respond: {}\nplugins: { limit: { max: 1 } }',
      'routes/c': 'respond: {}\nplugins: { later: {} }',
    })
    assert.equal(names(before), 'a b')
    lab.plugins = new Map([...PLUGINS, plugin('later')])
    const after = await lab.commit()
    assert.equal(names(after), 'a b c')
    assert.equal(after.config.config.routes[0], before.config.config.routes[0])
    lab.plugins = new Map([plugin('plain'), plugin('limit', Type.Object({ most: Type.Integer() }, CLOSED))])
    const result = await lab.load()
    assert.ok(!result.ok)
    assert.match(told(result).join('\n'), /routes\/b.*unknown key "max"[^]*routes\/c.*no plugin "later"/)
  })
})

describe('a change of the file', () => {
  it('keeps the objects of what has not changed, and corrects positions once it serves', async () => {
    const lab = new Lab()
    const rest = `upstreams: { up: ${UP} }\nplugins: { plain: {} }\npaths: { /a: { limit: { max: 1 } }, /b: { plain: off } }\n`
    const routes = 'routes:\n  - { name: a, upstream: up, plugins: { plain: {} } }\n  - { name: b, respond: {} }\n'
    lab.file = FILE + rest + routes
    const { config: one } = await lab.commit()
    lab.file = `# a line\n${FILE}${rest.replace('max: 1', 'max: 2')}${routes}  - { name: c, respond: {} }\n`
    const result = await lab.load()
    assert.ok(result.ok)
    const two = result.config
    assert.equal(one.toggles.routes[0]![0]!.origin.line, 7)
    lab.loader.commit(two)
    assert.equal(one.toggles.routes[0]![0]!.origin.line, 8)
    assert.equal(two.config.routes[0], one.config.routes[0])
    assert.equal(two.config.listeners, one.config.listeners)
    assert.equal(two.config.upstreams, one.config.upstreams)
    assert.equal(two.toggles.global, one.toggles.global)
    assert.equal(two.toggles.routes[0], one.toggles.routes[0])
    assert.equal(two.toggles.paths[1], one.toggles.paths[1])
    assert.notEqual(two.toggles.paths[0], one.toggles.paths[0])
    const fresh = new ConfigLoader().loadAtOnce({
      document: parseDocument(lab.file, 'g.yaml', {}),
      shared: null,
      plugins: PLUGINS,
    })
    assert.ok(fresh.ok)
    assert.deepEqual({ ...two, defaults: 0 }, { ...fresh.config, defaults: 0 })
  })

  it('is not kept by those that come after it', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const lab = new Lab()
    const served: WeakRef<object>[] = []
    for (let i = 0; i < 20; i++)
      served.push(new WeakRef((await lab.commit({ 'routes/a': `respond: { body: b${i} }` })).config))
    await setImmediate()
    collect()
    const alive = served.filter((config) => config.deref() !== undefined).length
    assert.ok(alive <= 2, `${alive} configurations are still there`)
  })

  it('is committed in order', async () => {
    const lab = new Lab()
    const one = await lab.load({ 'routes/a': 'respond: {}' })
    const two = await lab.load({ 'routes/b': 'respond: {}' })
    assert.ok(one.ok && two.ok)
    lab.loader.commit(two.config)
    assert.throws(() => lab.loader.commit(one.config), /another configuration was committed/)
    assert.equal(names(await lab.load()), 'a b')
  })
})
