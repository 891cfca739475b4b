import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { changeLine, diffConfigs } from './diff.ts'

async function lines(before: unknown, after: unknown): Promise<string[]> {
  return (await diffConfigs(before, after)).map(changeLine)
}

const route = (name: string, path = `/${name}`) => ({ name, match: { path }, upstream: 'u' })

describe('the difference of two configurations', () => {
  it('is told item by item, and inside by key', async () => {
    const before = {
      version: 1,
      drainTimeout: 30_000,
      listeners: [{ name: 'main', bind: ':80' }],
      upstreams: { u: { endpoints: [{ url: 'http://a' }] }, gone: {} },
      paths: { '/a/**': { cors: 'on' } },
      routes: [route('users', '/a'), route('old')],
    }
    const after = {
      version: 1,
      drainTimeout: 5000,
      listeners: [{ name: 'main', bind: ':81' }],
      upstreams: { u: { endpoints: [{ url: 'http://b' }, { url: 'http://a' }] } },
      paths: { '/a/**': { cors: 'off' } },
      plugins: {},
      routes: [{ ...route('users', '/b'), priority: 1 }, route('new')],
    }
    assert.deepEqual(await lines(before, after), [
      '~ drainTimeout: "30s" -> "5s"',
      '~ listeners[0].bind: ":80" -> ":81"',
      '+ upstreams/u.endpoints[0]: {"url":"http://b"}',
      '- upstreams/gone: {}',
      '~ paths./a/**.cors: "on" -> "off"',
      '~ routes/users.match.path: "/a" -> "/b"',
      '+ routes/users.priority: 1',
      '- routes/old: {"name":"old","match":{"path":"/old"},"upstream":"u"}',
      '+ routes/new: {"name":"new","match":{"path":"/new"},"upstream":"u"}',
      '+ plugins: {}',
    ])
  })

  it('is nothing between equals', async () => {
    const config = { version: 1, routes: [route('a')], upstreams: { u: {} } }
    assert.deepEqual(await lines(config, structuredClone(config)), [])
    assert.deepEqual(await lines(null, 'no configuration'), [])
  })

  it('tells the fewest routes that stand elsewhere', async () => {
    const routes = 'abcdef'.split('').map((name) => route(name))
    const moved = [routes[5], routes[0], routes[1], routes[3], routes[2], routes[4]]
    const told = await lines({ routes }, { routes: moved })
    assert.equal(told.length, 2)
    assert.equal(told[0], '~ routes/f: moved, behind "e" -> the first')
    assert.match(told[1]!, /^~ routes\/[cd]: moved, behind /)
  })

  it('never tells a secret, and yet that it has changed', async () => {
    const before = { admin: { bind: ':1', token: 'first-secret-token' } }
    const after = { admin: { bind: ':1', token: 'other-secret-token' } }
    assert.deepEqual(await lines(before, after), ['~ admin.token: "***" -> "***"'])
    // What was concealed before it came here cannot be told from what it stands for.
    assert.deepEqual(await lines({ admin: { bind: ':1', token: '***' } }, after), [])
    const basic = (user: string) => ({ plugins: { 'forward-auth': { url: `http://${user}@h/` } } })
    assert.deepEqual(await lines(basic('u:one'), basic('u:two')), [
      '~ plugins.forward-auth.url: "http://***@h/" -> "http://***@h/"',
    ])
    assert.deepEqual(await lines(basic('***'), basic('u:two')), [])
  })

  it('is found in linear time, while others run', async () => {
    const routes = Array.from({ length: 20_000 }, (_, i) => route(`r${i}`))
    const changed = routes.map((each, i) => ({ ...each, priority: i % 2 }))
    const state = { done: false }
    const asked = diffConfigs({ routes }, { routes: changed.toReversed() }).finally(() => (state.done = true))
    let turns = 0
    while (!state.done) {
      turns++
      await new Promise((resolve) => void setImmediate(resolve))
    }
    assert.equal((await asked).length, 20_000 + 19_999)
    assert.ok(turns > 3)
  })
})
