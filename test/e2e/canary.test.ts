// A marked share of users, over real connections, on both engines.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ENGINES, GatewayProcess } from '../lab/gateway.ts'
import { RawClient } from '../lab/raw-client.ts'
import { report, startHttpUpstream } from '../lab/upstreams.ts'

function marks(body: Buffer): string[] {
  const { headers } = JSON.parse(body.toString()) as { headers: string[] }
  return headers.filter((_, i) => i % 2 === 1 && headers[i - 1] === 'x-canary')
}

for (const engine of ENGINES) {
  describe(`canary on ${engine}`, () => {
    it('marks the same users each time, and nobody marks themselves', async (test) => {
      const upstream = await startHttpUpstream(test, report)
      const gateway = await GatewayProcess.start(
        test,
        `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0', engine: ${engine} }]
upstreams: { up: { endpoints: [{ url: '${upstream.url}' }] } }
plugins: { canary: { share: 50%, by: { header: x-user } } }
paths:
  /stick: { canary: { share: 50%, by: { claim: sub }, otherwise: random, stick: track } }
  /ended: { canary: { share: 0%, by: client-ip, stick: track } }
routes: [{ name: all, upstream: up }]
`,
      )
      const client = await RawClient.connect(test, gateway.port('main'))
      let canaries = 0
      for (let i = 0; i < 40; i++) {
        const first = marks((await client.get('/', `X-User: user-${i}\r\nX-Canary: 2\r\n`)).body)
        assert.deepEqual(marks((await client.get('/', `X-User: user-${i}\r\n`)).body), first)
        assert.ok(first.length === 0 || first.join() === '1')
        canaries += first.length
      }
      assert.ok(canaries > 0 && canaries < 40)
      assert.deepEqual(marks((await client.get('/', 'X-Canary: 1\r\n')).body), [])
      const visit = await client.get('/stick')
      const cookie = `Cookie: ${visit.header('set-cookie').split(';')[0]}\r\n`
      for (let i = 0; i < 10; i++) {
        const again = await client.get('/stick', cookie)
        assert.deepEqual([marks(again.body), again.header('set-cookie')], [marks(visit.body), ''])
      }
      assert.deepEqual(marks((await client.get('/ended', 'Cookie: track=0000\r\n')).body), [])
    })
  })
}
