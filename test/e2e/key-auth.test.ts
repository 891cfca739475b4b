// API keys over real connections, on both engines.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ENGINES, GatewayProcess } from '../lab/gateway.ts'
import { RawClient } from '../lab/raw-client.ts'
import { report, startHttpUpstream } from '../lab/upstreams.ts'

for (const engine of ENGINES) {
  describe(`key-auth on ${engine}`, () => {
    it('lets known keys pass, and forwards none of them', async (test) => {
      const upstream = await startHttpUpstream(test, report)
      const gateway = await GatewayProcess.start(
        test,
        `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0', engine: ${engine} }]
upstreams: { up: { endpoints: [{ url: '${upstream.url}' }] } }
plugins: { key-auth: { keys: [{ key: the-secret-key, consumer: anna }], from: { header: x-api-key, cookie: key, query: key } } }
routes: [{ name: all, upstream: up }]
`,
      )
      const client = await RawClient.connect(test, gateway.port('main'))
      for (const [target, extra] of [
        ['/', 'X-API-KEY: the-secret-key\r\n'],
        ['/', 'Cookie: a=b; key=the-secret-key\r\n'],
        ['/?a=b&key=the-secret-key', ''],
      ]) {
        const reply = await client.get(target!, extra)
        assert.equal(reply.status, 200)
        assert.ok(!reply.body.includes('the-secret-key'), reply.body.toString())
      }
      for (const [target, extra] of [
        ['/', ''],
        ['/', 'X-Api-Key: another\r\n'],
        ['/', 'X-Api-Key: the-secret-key\r\nX-Api-Key: the-secret-key\r\n'],
        ['/?key=the-secret-key', 'X-Api-Key: the-secret-key\r\n'],
        ['/?key=%00%ff', ''],
        ['/', `X-Api-Key: ${'k'.repeat(3000)}\r\n`],
      ]) {
        const reply = await client.get(target!, extra)
        assert.deepEqual([reply.status, reply.header('www-authenticate')], [401, 'ApiKey realm="api"'])
        assert.match(reply.body.toString(), /SLUICE_AUTH_UNAUTHORIZED/)
        assert.ok(!reply.body.includes('the-secret-key'))
      }
      assert.equal(upstream.seen.length, 3)
      assert.ok(!JSON.stringify(gateway.logs).includes('the-secret-key'))
    })
  })
}
