// The end of a gateway that nobody succeeds: what is in use is told to close, what is idle does not hold it up.
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { ENGINES, GatewayProcess, type Engine } from '../lab/gateway.ts'
import { until } from '../lab/poll.ts'
import { RawClient, type RawResponse } from '../lab/raw-client.ts'
import { isRefused } from '../lab/restarts.ts'
import { startHttpUpstream } from '../lab/upstreams.ts'

function start(test: TestContext, engine: Engine, more = ''): Promise<GatewayProcess> {
  return GatewayProcess.start(
    test,
    `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0', engine: ${engine} }]
admin: { bind: '127.0.0.1:0' }
routes: [{ name: hello, respond: { body: hi } }]
${more}`,
  )
}

async function ask(client: RawClient): Promise<RawResponse> {
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  return client.response()
}

const closes = (response: RawResponse): boolean => response.header('connection').toLowerCase() === 'close'

for (const engine of ENGINES) {
  describe(`SIGTERM on ${engine}`, () => {
    it('answers on connections that are there, and tells them to close', async (test) => {
      const replies: (() => void)[] = []
      const upstream = await startHttpUpstream(test, (_request, response) => {
        replies.push(() => response.end('late'))
        upstream.wake()
      })
      const gateway = await GatewayProcess.start(
        test,
        `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0', engine: ${engine} }]
upstreams: { app: { endpoints: [{ url: '${upstream.url}' }] } }
routes: [{ name: hello, match: { path: / }, respond: { body: hi } }, { name: slow, match: { path: /slow }, upstream: app }]
`,
      )
      const [busy, idle, slow] = [
        await RawClient.connect(test, gateway.port('main')),
        await RawClient.connect(test, gateway.port('main')),
        await RawClient.connect(test, gateway.port('main')),
      ]
      assert.deepEqual([closes(await ask(busy)), closes(await ask(idle))], [false, false])
      // As long as it is under way the others may stay.
      slow.send('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n')
      await upstream.until(() => replies.length === 1, 'the slow request')
      const ended = gateway.stop()
      await until(() => isRefused(gateway.port('main')), 'the end of listening')
      assert.ok(closes(await ask(busy)))
      assert.equal(await busy.ended(), 'end')
      replies[0]!()
      assert.ok(closes(await slow.response()))
      assert.equal(await idle.ended(), 'end')
      assert.equal(await ended, 0)
    })

    for (const workers of [1, 2])
      it(`with a drainDelay and workers: ${workers} takes new connections still, while /readyz is 503`, async (test) => {
        const gateway = await start(test, engine, `drainDelay: 1s\nworkers: ${workers}\n`)
        const idle = await RawClient.connect(test, gateway.port('main'))
        await ask(idle)
        const ended = gateway.stop()
        const ready = async (): Promise<number> =>
          (await fetch(`http://127.0.0.1:${gateway.port('admin')}/readyz`)).status
        await until(async () => (await ready()) === 503, 'readiness to be off')
        const late = await RawClient.connect(test, gateway.port('main'))
        const reply = await ask(late)
        assert.deepEqual([reply.status, closes(reply)], [200, true])
        assert.ok(closes(await ask(idle)))
        await until(() => isRefused(gateway.port('main')), 'the end of listening')
        assert.equal(await ended, 0)
      })
  })
}
