// A listener that the configuration does not have any more finishes its requests. A gateway that stops meanwhile knows it.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { Gateway } from '../../src/gateway.ts'
import { Logs } from '../../src/telemetry/logs.ts'
import { ENGINES, GatewayProcess, type Engine } from '../lab/gateway.ts'
import { until } from '../lab/poll.ts'
import { RawClient } from '../lab/raw-client.ts'
import { RestartLoad } from '../lab/restart-load.ts'
import { startHttpUpstream } from '../lab/upstreams.ts'

/** A gateway with a request under way at a listener that it has no more. */
async function startLeaving(test: TestContext, engine: Engine) {
  const replies: (() => void)[] = []
  const upstream = await startHttpUpstream(test, (request, response) => {
    request.resume()
    replies.push(() => response.end('late'))
    upstream.wake()
  })
  const directory = await mkdtemp(join(tmpdir(), 'sluice-test-'))
  test.after(() => rm(directory, { recursive: true, force: true }))
  const file = join(directory, 'gateway.yaml')
  const configure = (listeners: string): Promise<void> =>
    writeFile(
      file,
      `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0', engine: ${engine} }${listeners}]
observability: { logs: { destination: '${join(directory, 'log')}' } }
upstreams: { app: { endpoints: [{ url: '${upstream.url}' }] } }
routes: [{ name: all, upstream: app }]
`,
    )
  await configure(`, { name: old, bind: '127.0.0.1:0', engine: ${engine} }`)
  const logs = new Logs()
  const gateway = await Gateway.start(file, logs)
  test.after(() => logs.close())
  const client = await RawClient.connect(test, gateway.plane.listeners.find(({ name }) => name === 'old')!.port)
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await upstream.until(() => replies.length === 1, 'the request')
  await configure('')
  await gateway.reload()
  assert.deepEqual(
    gateway.plane.listeners.map(({ name }) => name),
    ['main'],
  )
  return { gateway, client, reply: replies[0]! }
}

for (const engine of ENGINES) {
  describe(`a listener on ${engine} that a reload takes away`, () => {
    it('is waited for by a gateway that stops', async (test) => {
      const { gateway, client, reply } = await startLeaving(test, engine)
      const stopped = gateway.stop(10_000)
      reply()
      const response = await client.response()
      assert.deepEqual([response.body.toString(), response.header('connection')], ['late', 'close'])
      assert.equal(await stopped, 0)
    })

    it('leaves its address to another one', async (test) => {
      const sockets = await mkdtemp(join(tmpdir(), 'sluice-test-'))
      test.after(() => rm(sockets, { recursive: true, force: true }))
      const other = ENGINES.find((each) => each !== engine)!
      const yaml = (port: number, of: Engine): string => `version: 1
listeners:
  - { name: main, bind: '127.0.0.1:${port}', engine: ${of} }
  - { name: local, bind: 'unix:${sockets}/local', engine: ${of} }
routes: [{ name: hello, match: { path: /app }, respond: { body: hi } }]
`
      const closed = createServer().listen(0, '127.0.0.1')
      await once(closed, 'listening')
      const { port } = closed.address() as AddressInfo
      await new Promise((resolve) => closed.close(resolve))
      const gateway = await GatewayProcess.start(test, yaml(port, engine))
      const loads = [port, `${sockets}/local`].map(
        (at) => new RestartLoad({ port: at, staying: 4, coming: 2, pause: 5 }),
      )
      await Promise.all(loads.map((load) => load.more(50)))
      await gateway.configure(yaml(port, other))
      await gateway.waitForNext(({ msg }) => msg === 'configuration reloaded')
      await Promise.all(loads.map((load) => load.more(50)))
      for (const load of loads) assert.deepEqual([...(await load.stop()).failures], [])
      assert.equal(await gateway.stop(), 0)
      assert.deepEqual(await readdir(sockets), [])
    })

    it('is closed with the gateway, which tells what it has cut off', async (test) => {
      const { gateway, client } = await startLeaving(test, engine)
      assert.equal(await gateway.stop(0), 1)
      await client.ended()
      await until(() => gateway.plane.inFlight === 0, 'the end of the request')
    })
  })
}
