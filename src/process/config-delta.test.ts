import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseDocument } from '../config/document.ts'
import { loadConfig, type ValidConfig } from '../config/load.ts'
import { ConfigReader, encodeConfig } from './config-delta.ts'

const COUNT = 1000

function load(): ValidConfig {
  const routes = Array.from(
    { length: COUNT },
    (_, i) => `  - { name: r${i}, match: { path: /r${i} }, upstream: u${i % 10} }`,
  )
  const upstreams = Array.from(
    { length: 10 },
    (_, i) => `  u${i}: { endpoints: [{ url: "http://127.0.0.1:900${i}" }] }`,
  )
  const text = `version: 1
listeners: [{ name: public, bind: "127.0.0.1:0" }]
upstreams:
${upstreams.join('\n')}
routes:
${routes.join('\n')}
`
  const loaded = loadConfig(parseDocument(text, 'gateway.yaml', {}), new Map())
  assert.ok(loaded.ok)
  return loaded.config
}

/** Sends it and reads it at the other end, which has `held`. */
async function ship(base: ValidConfig | null, next: ValidConfig, held: ValidConfig | null) {
  const slices = await encodeConfig(base, next, [])
  const reader = new ConfigReader(held)
  for (const slice of slices.slice(0, -1)) reader.read(slice)
  const bytes = slices.reduce((sum, slice) => sum + slice.byteLength, 0)
  return { received: reader.finish(slices.at(-1)!), slices: slices.length, bytes }
}

describe('a configuration on its way to a worker', () => {
  const first = load()

  it('arrives whole, in several slices, and frozen', async () => {
    const { received, slices } = await ship(null, first, null)
    assert.deepEqual(received.config, first.config)
    assert.deepEqual(received.toggles, first.toggles)
    assert.ok(slices > 8, `${slices} slices`)
    assert.ok(Object.isFrozen(received.config.routes[0]!.match))
  })

  it('of which one route has changed is that route alone, and all else stays the same object', async () => {
    const held = (await ship(null, first, null)).received
    const routes = first.config.routes.with(500, { ...first.config.routes[500]!, upstream: 'u9' })
    const second: ValidConfig = { ...first, config: { ...first.config, routes } }
    const { received, bytes } = await ship(first, second, held)
    assert.deepEqual(received.config, second.config)
    assert.ok(bytes < 2000, `${bytes} bytes`)
    const changed = received.config.routes.filter((route, i) => route !== held.config.routes[i])
    assert.deepEqual(changed, [routes[500]])
    const { upstreams, listeners } = received.config
    for (const [name, upstream] of Object.entries(upstreams!)) assert.equal(upstream, held.config.upstreams![name])
    assert.equal(listeners, held.config.listeners)
    assert.equal(received.toggles.global, held.toggles.global)
    // Not only its entries: who compiles asks for each route if the lists are others.
    assert.equal(received.toggles.paths, held.toggles.paths)
    assert.ok(received.toggles.routes.every((toggles, i) => toggles === held.toggles.routes[i]))
    assert.equal(received.defaults, held.defaults)
  })

  it('loses what is gone, and keeps the order of upstreams', async () => {
    const held = (await ship(null, first, null)).received
    const { u3: _, ...rest } = first.config.upstreams!
    const upstreams = { z: first.config.upstreams!['u3']!, ...rest }
    const config = { ...first.config, upstreams, routes: first.config.routes.slice(1), drainTimeout: 5 }
    const second: ValidConfig = { ...first, config }
    const third: ValidConfig = { ...first, config: { ...config, drainTimeout: undefined! } }
    const { received } = await ship(first, second, held)
    assert.deepEqual(received.config, second.config)
    assert.deepEqual(Object.keys(received.config.upstreams!), Object.keys(upstreams))
    const { drainTimeout: _gone, ...without } = third.config
    const again = await ship(second, { ...third, config: without }, received)
    assert.equal(Object.hasOwn(again.received.config, 'drainTimeout'), false)
  })
})
