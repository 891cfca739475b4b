// Faults that were asked for, over real connections, on both engines.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ENGINES, GatewayProcess } from '../lab/gateway.ts'
import { RawClient } from '../lab/raw-client.ts'
import { report, startHttpUpstream } from '../lab/upstreams.ts'

for (const engine of ENGINES) {
  describe(`fault on ${engine}`, () => {
    it('makes requests late or fail, and leaves the others alone', async (test) => {
      const upstream = await startHttpUpstream(test, report)
      const gateway = await GatewayProcess.start(
        test,
        `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0', engine: ${engine} }]
upstreams: { up: { endpoints: [{ url: '${upstream.url}' }] } }
plugins: { fault: { abort: { status: 418 }, header: x-chaos } }
paths:
  /late: { fault: { delay: { time: 20ms } } }
  /both: { fault: { delay: { time: 20ms }, abort: { status: 500 } } }
routes: [{ name: all, upstream: up }]
`,
      )
      const connect = () => RawClient.connect(test, gateway.port('main'))
      const client = await connect()
      assert.equal((await client.get('/')).status, 200)
      const failed = await client.get('/', 'X-Chaos: 0\r\n')
      assert.deepEqual([failed.status, failed.header('content-type')], [418, 'application/problem+json'])
      assert.match(failed.body.toString(), /SLUICE_PLUGIN_FAULT/)
      assert.equal((await client.get('/late')).status, 200)
      assert.equal((await client.get('/both')).status, 500)
      assert.equal(upstream.seen.length, 2)
      // A client that leaves while it is made to wait harms nobody.
      const gone = await connect()
      gone.send('GET /late HTTP/1.1\r\nHost: test\r\n\r\n')
      gone.socket.destroy()
      assert.equal((await client.get('/late')).status, 200)
      assert.ok(gateway.running)
      assert.equal(await gateway.stop(), 0)
    })

    it('lets no late request keep the gateway from its end', async (test) => {
      const gateway = await GatewayProcess.start(
        test,
        `version: 1
drainTimeout: 100ms
listeners: [{ name: main, bind: '127.0.0.1:0', engine: ${engine} }]
plugins: { fault: { delay: { time: 9s } } }
routes: [{ name: all, respond: {} }]
`,
      )
      const client = await RawClient.connect(test, gateway.port('main'))
      client.send('GET / HTTP/1.1\r\nHost: test\r\n\r\n')
      // Another connection's answer to a bad request shows that the first one was read.
      const other = await RawClient.connect(test, gateway.port('main'))
      assert.equal((await other.get('/%2e%2e/..')).status, 400)
      await gateway.stop()
      assert.equal(gateway.running, false)
    })
  })
}
