// Clients of the admin listener that are slow, greedy or gone; and profiles, of which nothing may be left.
import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { describe, it, type TestContext } from 'node:test'
import { AdminClient, type Json } from '../lab/admin.ts'
import { GatewayProcess } from '../lab/gateway.ts'
import { until } from '../lab/poll.ts'
import { RawClient } from '../lab/raw-client.ts'

const TOKEN = 'a-token-of-some-length'

async function start(test: TestContext, more = '') {
  const gateway = await GatewayProcess.start(
    test,
    `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0' }]
admin: { bind: '127.0.0.1:0', token: ${TOKEN} }
routes:
  - { name: r, match: { path: /r }, respond: {} }
${more}`,
  )
  const connect = () => RawClient.connect(test, gateway.port('admin'))
  return { gateway, connect, admin: new AdminClient(gateway, { token: TOKEN }) }
}

const ask = (path: string) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`

describe('the admin listener', () => {
  it('has room for 64 clients, and closes those that send nothing', async (test) => {
    const { connect, admin } = await start(test)
    const lazy = await Promise.all(Array.from({ length: 64 }, connect))
    // A reply shows that the connection counts.
    for (const client of lazy) {
      client.send(ask('/livez'))
      assert.equal((await client.response()).status, 200)
    }
    await (await connect()).ended()
    await assert.rejects(admin.ask('/livez'))
    await Promise.all(lazy.map((client) => client.ended()))
    assert.equal((await admin.ask('/livez')).status, 200)
  })

  it('waits neither for a head that does not end nor for a body', async (test) => {
    const { connect } = await start(test)
    const head = await connect()
    head.send('GET /livez HTTP/1.1\r\nHost: localhost\r\n')
    const body = await connect()
    body.send('GET /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n')
    assert.equal((await body.response()).status, 200)
    await Promise.all([head.ended(), body.ended()])
    assert.match(head.received.toString(), /^HTTP\/1\.1 408 /)
  })

  it('answers what is no request, or too large a one', async (test) => {
    const { connect, admin } = await start(test)
    for (const [bytes, status] of [
      ['\x16\x03\x01\r\n\r\n', 400],
      ['GET / HTTP/1.1\r\n\r\n', 400],
      [`GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
      [`GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`, 431],
    ] as const) {
      const client = await connect()
      client.send(bytes)
      await client.ended()
      assert.match(client.received.toString('latin1'), new RegExp(`^HTTP/1\\.1 ${status} `))
    }
    assert.equal((await admin.ask('/livez')).status, 200)
  })

  it('works on one request at a time for a client, and cuts one that asks for ever more', async (test) => {
    const routes = Array.from(
      { length: 2000 },
      (_, i) => `  - { name: route-${i}, match: { path: /${i} }, respond: {} }`,
    )
    const { gateway, connect, admin } = await start(test, routes.join('\n'))
    const quick = await connect()
    for (const path of ['/livez', '/admin/v1/config', '/admin/v1/nope', '/livez']) quick.send(ask(path))
    const statuses: number[] = []
    for (let i = 0; i < 4; i++) statuses.push((await quick.response()).status)
    assert.deepEqual(statuses, [200, 200, 404, 200])
    const before = await gateway.memory()
    for (let round = 0; round < 5; round++) {
      const greedy = await connect()
      greedy.send(ask('/admin/v1/config').repeat(400))
      await greedy.ended()
      const lazy = await connect()
      lazy.socket.pause()
      for (let i = 0; i < 10; i++) lazy.send(ask('/admin/v1/config'))
      assert.equal((await admin.ask('/admin/v1/config')).status, 200)
    }
    const growth = (await gateway.memory()) - before
    assert.ok(growth < 150 * 1024 * 1024, `${Math.round(growth / 1e6)} MB more`)
  })
})

describe('profiles', () => {
  it('are files for developer tools', async (test) => {
    const { admin } = await start(test)
    const cpu = await admin.ask('/admin/v1/debug/cpu?seconds=1')
    assert.match(cpu.headers['content-disposition']!, /^attachment; filename="sluice-\d+-[-T\d]+\.cpuprofile"$/)
    assert.ok((JSON.parse(cpu.text) as Json)['nodes'].length > 0)
    const allocations = await admin.ask('/admin/v1/debug/allocations?seconds=1')
    assert.match(allocations.headers['content-disposition']!, /\.heapprofile"$/)
    assert.ok((JSON.parse(allocations.text) as Json)['head'] !== undefined)
    const heap = await admin.ask('/admin/v1/debug/heap')
    assert.match(heap.headers['content-disposition']!, /\.heapsnapshot"$/)
    assert.equal(heap.headers['transfer-encoding'], 'chunked')
    assert.ok((JSON.parse(heap.text) as Json)['snapshot'].node_count > 1000)
    assert.match(await admin.refusal('/admin/v1/debug/cpu?seconds=61'), /^400 seconds: .* from 1 to 60/)
    const head = await admin.ask('/admin/v1/debug/cpu', { method: 'HEAD' })
    assert.deepEqual([head.status, head.headers['allow']], [405, 'GET'])
  })

  it('run one at a time, end when their client leaves, and leave nothing behind', async (test) => {
    const { gateway, connect, admin } = await start(test)
    const short = async (kind: string) => (await admin.ask(`/admin/v1/debug/${kind}?seconds=1`)).status
    const descriptors = async () => (await readdir(`/proc/${gateway.pid}/fd`)).length
    /** A client leaves while its profile of a minute runs: a short one beside it was refused. */
    const leave = async (kind: string) => {
      for (let refused = false; !refused;) {
        const client = await connect()
        client.send(ask(`/admin/v1/debug/${kind}?seconds=60`))
        refused = (await short(kind)) === 409
        client.socket.destroy()
      }
    }
    await leave('cpu')
    const before = await descriptors()
    for (let i = 0; i < 10; i++) {
      await leave('cpu')
      await leave('allocations')
    }
    for (let i = 0; i < 3; i++) {
      const client = await connect()
      client.send(ask('/admin/v1/debug/heap'))
      client.socket.destroy()
    }
    for (const kind of ['cpu', 'allocations'])
      await until(async () => (await short(kind)) === 200, `a profile: ${kind}`)
    await until(async () => (await descriptors()) <= before, 'closed descriptors')
  })
})
