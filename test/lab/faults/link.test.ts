import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { RawClient } from '../raw-client.ts'
import { refusingPort, startRawUpstream } from '../upstreams.ts'
import { FaultyEndpoint } from './endpoint.ts'
import { FaultyLink, type LinkFault, type LinkOptions } from './link.ts'

const PASS: LinkFault = { kind: 'pass' }
const GET = 'GET / HTTP/1.1\r\nHost: test\r\n\r\n'

async function start(
  test: TestContext,
  options: LinkOptions = {},
): Promise<{ readonly endpoint: FaultyEndpoint; readonly link: FaultyLink; readonly client: RawClient }> {
  const endpoint = await FaultyEndpoint.start('a')
  const link = await FaultyLink.start(endpoint.port, options)
  test.after(async () => {
    await link.close()
    await endpoint.close()
  })
  const client = await RawClient.connect(test, link.port)
  await client.get('/before')
  return { endpoint, link, client }
}

function watched(test: TestContext, port: number): { socket: Socket; moved: boolean } {
  const socket = connect(port, '127.0.0.1')
  test.after(() => socket.destroy())
  const state = { socket, moved: false }
  for (const event of ['connect', 'error', 'close']) socket.on(event, () => (state.moved = true))
  return state
}

/** With which a new connection ends; a reset may arrive before the connection is noticed. */
async function errorOf(test: TestContext, port: number): Promise<string | undefined> {
  const ended = once(watched(test, port).socket, 'close')
  return ended.then(
    () => 'no error',
    (error: NodeJS.ErrnoException) => error.code,
  )
}

describe('a faulty link', () => {
  it('passes bytes and ends, of each direction by itself', async (test) => {
    const { endpoint, link, client } = await start(test)
    assert.equal((await client.get('/')).status, 200)
    client.socket.end()
    assert.equal(await client.ended(), 'end')
    await link.until(() => link.counts.open === 0, 'both connections to be gone')
    assert.deepEqual([endpoint.connections.left, link.counts.reset], [1, 0])
  })

  it('passes a reset on, and one instead of a connection that fails', async (test) => {
    const { endpoint, client } = await start(test)
    await endpoint.become({ kind: 'reset', at: 'start' })
    client.send(GET)
    assert.equal(await client.ended(), 'reset')
    const nowhere = await FaultyLink.start(await refusingPort())
    test.after(() => nowhere.close())
    assert.equal(await errorOf(test, nowhere.port), 'ECONNRESET')
  })

  it('is cut: live connections are reset on both sides, new ones refused, and the port is had again', async (test) => {
    const { endpoint, link, client } = await start(test)
    await link.become({ kind: 'cut' })
    assert.equal(await client.ended(), 'reset')
    await endpoint.until(() => endpoint.connections.open === 0, 'the other side to notice')
    assert.equal(await errorOf(test, link.port), 'ECONNREFUSED')
    await link.become(PASS)
    assert.equal((await (await RawClient.connect(test, link.port)).get('/')).status, 200)
  })

  it('is partitioned: nothing moves or closes, connecting hangs, and afterwards all goes on', async (test) => {
    const { endpoint, link, client } = await start(test)
    const other = await RawClient.connect(test, endpoint.port)
    await link.become({ kind: 'partition' })
    client.send(GET)
    const late = watched(test, link.port)
    for (let i = 0; i < 6; i++) await other.get('/')
    assert.deepEqual([late.moved, endpoint.connections.open, endpoint.requests.arrived], [false, 2, 7])
    await link.become(PASS)
    assert.equal((await client.response()).status, 200)
  })

  it('is partitioned in one direction only', async (test) => {
    const { endpoint, link, client } = await start(test)
    await link.become({ kind: 'partition', direction: 'to-client' })
    const before = client.received.length
    client.send(GET)
    await endpoint.until(() => endpoint.requests.answered === 2, 'the request to be answered')
    const other = await RawClient.connect(test, endpoint.port)
    for (let i = 0; i < 6; i++) await other.get('/')
    assert.equal(client.received.length, before)
    await link.become({ kind: 'partition', direction: 'to-server' })
    assert.equal((await client.response()).status, 200)
    client.send(GET)
    for (let i = 0; i < 6; i++) await other.get('/')
    assert.equal(endpoint.requests.arrived, 14)
    await link.become(PASS)
    assert.equal((await client.response()).status, 200)
  })

  it('delays each direction, and lets go at once when it no longer does', async (test) => {
    const { endpoint, link, client } = await start(test)
    await link.become({ kind: 'delay', ms: 60 })
    const begun = performance.now()
    assert.equal((await client.get('/')).status, 200)
    assert.ok(performance.now() - begun >= 115)
    await link.become({ kind: 'delay', ms: 600_000 })
    client.send(GET)
    const sent = link.counts.toServer + GET.length
    await link.until(() => link.counts.toServer === sent, 'the request to be read')
    assert.equal(endpoint.requests.arrived, 2)
    await link.become(PASS)
    assert.equal((await client.response()).status, 200)
  })

  it('throttles, in bounded memory, and keeps every byte in order', async (test) => {
    const body = Buffer.from(Array.from({ length: 4_000_000 }, (_, i) => i % 251))
    const upstream = await startRawUpstream(test, (socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`)
      socket.write(body)
    })
    const link = await FaultyLink.start(upstream.port)
    test.after(() => link.close())
    const client = await RawClient.connect(test, link.port)
    await link.become({ kind: 'throttle', bytesPerSecond: 100_000 })
    const begun = performance.now()
    client.send(GET)
    await new Promise<void>((resolve) => {
      client.socket.on('data', () => client.received.length >= 20_000 && resolve())
    })
    assert.ok(performance.now() - begun >= 150)
    assert.ok(link.counts.toClient < 1_000_000, `${link.counts.toClient} bytes were read`)
    await link.become(PASS)
    assert.ok((await client.response()).body.equals(body))
  })

  it('loses connections when they connect, or in the middle of what they carry', async (test) => {
    const numbers = [0.4, 0.6]
    const { link, client } = await start(test, { random: () => numbers.shift() ?? 1 })
    await link.become({ kind: 'lose', share: 0.5, at: 'connect' })
    assert.equal((await client.get('/')).status, 200)
    assert.equal(await errorOf(test, link.port), 'ECONNRESET')
    const other = await RawClient.connect(test, link.port)
    assert.equal((await other.get('/')).status, 200)
    numbers.push(0.9, 0.1)
    await link.become({ kind: 'lose', share: 0.5, at: 'stream' })
    assert.equal((await other.get('/')).status, 200)
    await assert.rejects(other.get('/'), /cut|before a head/)
    assert.equal(link.counts.reset, 2)
  })

  it('leaves nothing behind, whatever it was', async (test) => {
    const kinds: readonly LinkFault[] = [
      PASS,
      { kind: 'partition' },
      { kind: 'delay', ms: 600_000 },
      { kind: 'throttle', bytesPerSecond: 1 },
      { kind: 'cut' },
    ]
    for (const fault of kinds) {
      const endpoint = await FaultyEndpoint.start('a')
      const link = await FaultyLink.start(endpoint.port)
      const client = await RawClient.connect(test, link.port)
      await client.get('/')
      await link.become(fault)
      client.send(GET)
      await link.close()
      await endpoint.close()
      await client.ended()
      if (!client.socket.closed) await once(client.socket, 'close')
    }
    await new Promise((resolve) => setImmediate(resolve))
    const left = process.getActiveResourcesInfo().filter((kind) => /TCP|Timeout|MessagePort/.test(kind))
    assert.deepEqual(left, [])
  })
})
