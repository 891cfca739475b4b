// Requests that came behind one that hangs, on one connection, whose client goes away.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ENGINES, GatewayProcess } from '../lab/gateway.ts'
import { until } from '../lab/poll.ts'
import { RawClient } from '../lab/raw-client.ts'
import { scrape, series, total } from '../lab/scrape.ts'
import { startHttpUpstream } from '../lab/upstreams.ts'

/** Larger than what fits between the gateway and a client that does not read. */
const LARGE = 5_000_000

for (const engine of ENGINES) {
  describe(`requests of a pipeline on ${engine}`, () => {
    it('all end when their client goes away, and none holds up the end of the gateway', async (test) => {
      const upstream = await startHttpUpstream(test, (request, response) => {
        request.resume()
        if (request.url === '/large') response.writeHead(200, { 'content-length': LARGE }).end(Buffer.alloc(LARGE))
        upstream.wake()
      })
      const gateway = await GatewayProcess.start(
        test,
        `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0', engine: ${engine} }]
admin: { bind: '127.0.0.1:0' }
upstreams: { app: { endpoints: [{ url: '${upstream.url}' }], timeouts: { idle: 0s } } }
routes: [{ name: app, upstream: app }]
`,
      )
      const client = await RawClient.connect(test, gateway.port('main'))
      for (const path of ['/hang', '/large', '/hang']) client.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
      if (engine === 'node') await upstream.until(() => upstream.seen.length === 3, 'all requests')
      client.socket.destroy()
      // uWS closes a connection at its second request while the reply to the first is due.
      const ended = engine === 'node' ? 3 : 1
      let text = ''
      await until(async () => {
        text = await scrape(gateway.port('admin'))
        return total(text, 'sluice_http_requests_total') === ended
      }, 'their end')
      assert.equal(series(text).get('sluice_http_requests_in_flight'), 0)
      assert.equal(total(text, 'sluice_upstream_requests_in_flight'), 0)
      assert.equal(await gateway.stop(), 0)
    })
  })
}
