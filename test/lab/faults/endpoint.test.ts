import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { RawClient } from '../raw-client.ts'
import { EndpointProcess } from './endpoint-process.ts'
import { FaultyEndpoint, type EndpointOptions } from './endpoint.ts'
import { HEALTHY, slowness, type Fault } from './fault.ts'

async function start(test: TestContext, options: EndpointOptions = {}): Promise<FaultyEndpoint> {
  const endpoint = await FaultyEndpoint.start('a', options)
  test.after(() => endpoint.close())
  return endpoint
}

/** An endpoint with this fault, and a client that was connected before it if possible. */
async function startFaulty(
  test: TestContext,
  fault: Fault,
): Promise<{ readonly endpoint: FaultyEndpoint; readonly client: RawClient }> {
  const endpoint = await start(test)
  const client = await RawClient.connect(test, endpoint.port)
  await client.get('/before')
  await endpoint.become(fault)
  return { endpoint, client }
}

const GET = 'GET / HTTP/1.1\r\nHost: test\r\n\r\n'

async function refused(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  const [error] = (await once(socket, 'error').catch((error: unknown) => [error])) as [NodeJS.ErrnoException]
  return error.code === 'ECONNREFUSED'
}

/** Nothing comes of connecting for as long as half a dozen round trips to somebody else take. */
async function hangs(test: TestContext, port: number): Promise<boolean> {
  let moved = false
  const socket = connect(port, '127.0.0.1')
  for (const event of ['connect', 'error', 'close']) socket.on(event, () => (moved = true))
  test.after(() => socket.destroy())
  const other = await RawClient.connect(test, (await start(test)).port)
  for (let i = 0; i < 6; i++) await other.get('/')
  return !moved
}

describe('a faulty endpoint', () => {
  it('names itself and numbers its replies, and counts health checks apart', async (test) => {
    const endpoint = await start(test)
    const client = await RawClient.connect(test, endpoint.port)
    const first = await client.get('/anything?x=1')
    assert.deepEqual(JSON.parse(first.body.toString()), { endpoint: 'a', request: 1, method: 'GET' })
    assert.equal(first.header('x-request-number'), '1')
    assert.equal((await client.get('/', 'X-Request-Number: 77\r\n')).header('x-request-number'), '77')
    await client.get('/healthz')
    const { requests, health, connections, arrivals } = endpoint.report()
    assert.deepEqual([requests.arrived, requests.answered, health.arrived, health.answered], [2, 2, 1, 1])
    assert.deepEqual([connections.accepted, connections.open], [1, 1])
    assert.equal(
      arrivals.reduce((sum, [, count]) => sum + count, 0),
      2,
    )
    assert.ok(arrivals.every(([at]) => at % 1000 === 0))
  })

  it('reads bodies of both framings, in pieces, and requests in a row', async (test) => {
    const endpoint = await start(test)
    const client = await RawClient.connect(test, endpoint.port)
    client.send('POST / HTTP/1.1\r\nHost: test\r\nContent-Le')
    client.send(`ngth: 5\r\n\r\nhello${GET}POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r`)
    client.send(`\n0\r\n\r\n${GET}`)
    for (const method of ['POST', 'GET', 'POST', 'GET']) {
      assert.equal((JSON.parse((await client.response()).body.toString()) as { method: string }).method, method)
    }
    client.send('\x16\x03\x01 no HTTP\r\n\r\n')
    assert.equal(await client.ended(), 'reset')
  })

  it('refuses, resets what is connected, and has its port again', async (test) => {
    const { endpoint, client } = await startFaulty(test, { kind: 'refuse' })
    assert.equal(await client.ended(), 'reset')
    assert.ok(await refused(endpoint.port))
    await endpoint.become(HEALTHY)
    assert.equal((await (await RawClient.connect(test, endpoint.port)).get('/')).status, 200)
    await endpoint.until(() => endpoint.connections.open === 1, 'the reset connection to be counted')
    assert.equal(endpoint.connections.reset, 1)
  })

  it('restarts: refuses, then is healthy by itself', async (test) => {
    const { endpoint, client } = await startFaulty(test, { kind: 'restart', downtime: 200 })
    assert.equal(await client.ended(), 'reset')
    assert.ok(await refused(endpoint.port))
    await endpoint.until(() => endpoint.fault.kind === 'healthy', 'the end of the restart')
    await endpoint.become(HEALTHY)
    assert.equal((await (await RawClient.connect(test, endpoint.port)).get('/')).status, 200)
  })

  it('stalls: reads and never answers, also after it is healthy again', async (test) => {
    const { endpoint, client } = await startFaulty(test, { kind: 'stall' })
    client.send(GET)
    await endpoint.until(() => endpoint.requests.held === 1, 'the request to be held')
    await endpoint.become(HEALTHY)
    await (await RawClient.connect(test, endpoint.port)).get('/')
    assert.match(client.received.toString(), /^$/)
  })

  it('is a black hole: connecting hangs, the live are silent, and are reset when it ends', async (test) => {
    const { endpoint, client } = await startFaulty(test, { kind: 'blackhole' })
    client.send(GET)
    assert.ok(await hangs(test, endpoint.port))
    assert.deepEqual([client.received.length, endpoint.requests.arrived], [0, 1])
    await endpoint.become(HEALTHY)
    assert.equal(await client.ended(), 'reset')
    assert.equal((await (await RawClient.connect(test, endpoint.port)).get('/')).status, 200)
  })

  for (const part of ['head', 'body'] as const) {
    it(`drips its ${part}, byte by byte`, async (test) => {
      const { endpoint, client } = await startFaulty(test, { kind: 'drip', part, every: 5 })
      let pieces = 0
      client.socket.on('data', () => pieces++)
      const { body } = await client.get('/')
      assert.ok(pieces > (part === 'head' ? body.length : body.length / 2), `${pieces} pieces`)
      assert.equal(endpoint.requests.dripped, 1)
      await endpoint.become(HEALTHY)
      assert.equal((await client.get('/')).status, 200)
    })
  }

  it('resets before the reply, or in its body', async (test) => {
    const { endpoint, client } = await startFaulty(test, { kind: 'reset', at: 'start' })
    client.send(GET)
    assert.equal(await client.ended(), 'reset')
    await endpoint.become({ kind: 'reset', at: 'body' })
    const other = await RawClient.connect(test, endpoint.port)
    await assert.rejects(other.get('/'), /cut after/)
    assert.equal(await other.ended(), 'reset')
    assert.equal(endpoint.requests.reset, 2)
  })

  it('lies', async (test) => {
    const { endpoint, client } = await startFaulty(test, { kind: 'lie', about: 'long' })
    await assert.rejects(client.get('/'), /cut after/)
    assert.equal(await client.ended(), 'end')
    const other = await RawClient.connect(test, endpoint.port)
    await endpoint.become({ kind: 'lie', about: 'second' })
    assert.equal((await other.get('/')).header('x-request-number'), '3')
    assert.equal((await other.response()).header('x-request-number'), 'unasked')
    await endpoint.become({ kind: 'lie', about: 'short' })
    const { body } = await other.get('/')
    assert.throws(() => void JSON.parse(body.toString()), SyntaxError)
    await endpoint.become({ kind: 'lie', about: 'garbage' })
    await assert.rejects((await RawClient.connect(test, endpoint.port)).get('/'), /no status line/)
    assert.equal(endpoint.requests.lied, 4)
  })

  it('fails for exactly its share, health checks as well', async (test) => {
    const { endpoint, client } = await startFaulty(test, { kind: 'errors', share: 0.3 })
    for (let i = 0; i < 50; i++) await client.get('/')
    for (let i = 0; i < 10; i++) await client.get('/healthz')
    assert.deepEqual([endpoint.requests.failed, endpoint.health.failed], [15, 3])
    await endpoint.become({ kind: 'errors', status: 500 })
    assert.equal((await client.get('/')).status, 500)
  })

  it('is slow, keeps its promise when it is healthy again, and notes who did not wait', async (test) => {
    const { endpoint, client } = await startFaulty(test, { kind: 'slow', from: 100 })
    const begun = performance.now()
    client.send(GET)
    await endpoint.until(() => endpoint.requests.arrived === 2, 'the request')
    await endpoint.become(HEALTHY)
    assert.equal((await client.response()).status, 200)
    assert.ok(performance.now() - begun >= 95)
    await endpoint.become({ kind: 'slow', from: 60_000 })
    client.send(GET)
    await endpoint.until(() => endpoint.requests.arrived === 3, 'another request')
    client.socket.destroy()
    await endpoint.until(() => endpoint.connections.open === 0, 'the client to be gone')
    assert.deepEqual([endpoint.requests.abandoned, endpoint.connections.left], [1, 1])
  })

  it('becomes slower over time', () => {
    const fault = { kind: 'slow', from: 10, to: 110, over: 1000 } as const
    assert.deepEqual(
      [0, 500, 1000, 9000].map((since) => slowness(fault, since)),
      [10, 60, 110, 110],
    )
    assert.equal(slowness({ kind: 'slow', from: 7 }, 0), 7)
  })

  it('closes idle connections without a word', async (test) => {
    const { endpoint, client } = await startFaulty(test, { kind: 'close-idle' })
    assert.equal((await client.get('/')).header('connection'), '')
    assert.equal(await client.ended(), 'end')
    client.socket.destroy()
    await endpoint.until(() => endpoint.connections.open === 0, 'the end of the connection')
    assert.equal(endpoint.connections.finished, 1)
  })

  it('leaves no socket, timer or thread behind, whatever it was', async (test) => {
    const kinds: readonly Fault[] = [
      HEALTHY,
      { kind: 'stall' },
      { kind: 'blackhole' },
      { kind: 'drip', part: 'head' },
      { kind: 'slow', from: 60_000 },
      { kind: 'restart', downtime: 60_000 },
      { kind: 'refuse' },
    ]
    for (const fault of kinds) {
      const endpoint = await FaultyEndpoint.start('a')
      const client = await RawClient.connect(test, endpoint.port)
      await endpoint.become(fault)
      client.send(GET)
      await endpoint.close()
      await client.ended()
      client.socket.destroy()
      if (!client.socket.closed) await once(client.socket, 'close')
      assert.equal(endpoint.connections.open, 0)
    }
    // Handles that were closed in this turn of the loop are gone in the next one.
    await new Promise((resolve) => setImmediate(resolve))
    const left = process.getActiveResourcesInfo().filter((kind) => /TCP|Timeout|MessagePort/.test(kind))
    assert.deepEqual(left, [])
  })
})

describe('a faulty endpoint in a process of its own', () => {
  it('obeys in order, reports, and ends', async (test) => {
    const endpoint = await EndpointProcess.start('b', { interval: 100, healthPath: '/up' })
    test.after(() => endpoint.close())
    const client = await RawClient.connect(test, endpoint.port)
    assert.equal((JSON.parse((await client.get('/')).body.toString()) as { endpoint: string }).endpoint, 'b')
    await client.get('/up')
    const [, , report] = await Promise.all([
      endpoint.become({ kind: 'refuse' }),
      endpoint.become({ kind: 'errors' }),
      endpoint.report(),
    ])
    assert.deepEqual([report.requests.answered, report.health.answered], [1, 1])
    assert.ok(report.arrivals.every(([at]) => at % 100 === 0))
    assert.equal((await (await RawClient.connect(test, endpoint.port)).get('/')).status, 503)
  })
})
