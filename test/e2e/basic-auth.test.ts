// Names and passwords over real connections, on both engines.
import assert from 'node:assert/strict'
import { scryptSync } from 'node:crypto'
import { describe, it } from 'node:test'
import { ENGINES, GatewayProcess } from '../lab/gateway.ts'
import { RawClient } from '../lab/raw-client.ts'
import { report, startHttpUpstream } from '../lab/upstreams.ts'

const SALT = Buffer.alloc(16, 7)
const HASH = scryptSync('open sesame', SALT, 32, { cost: 1024, blockSize: 8, parallelization: 1 })
const PASSWORD = `scrypt:1024:8:1:${SALT.toString('base64')}:${HASH.toString('base64')}`

function authorization(text: string): string {
  return `Authorization: Basic ${Buffer.from(text).toString('base64')}\r\n`
}

for (const engine of ENGINES) {
  describe(`basic-auth on ${engine}`, () => {
    it('lets users pass, and forwards no password', async (test) => {
      const upstream = await startHttpUpstream(test, report)
      const gateway = await GatewayProcess.start(
        test,
        `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0', engine: ${engine} }]
upstreams: { up: { endpoints: [{ url: '${upstream.url}' }] } }
plugins: { basic-auth: { realm: lab, users: [{ name: anna, password: '${PASSWORD}' }] } }
routes: [{ name: all, upstream: up }]
`,
      )
      const connect = () => RawClient.connect(test, gateway.port('main'))
      const client = await connect()
      for (let i = 0; i < 3; i++) {
        const reply = await client.get('/', authorization('anna:open sesame'))
        assert.equal(reply.status, 200)
        assert.ok(!reply.body.includes('authorization'))
      }
      const good = authorization('anna:open sesame')
      for (const extra of [
        '',
        authorization('anna:wrong'),
        authorization('nobody:open sesame'),
        authorization('anna'),
        good + good,
        'Authorization: Basic\r\n',
        `Authorization: Basic ${'A'.repeat(3000)}\r\n`,
      ]) {
        const reply = await client.get('/', extra)
        assert.deepEqual([reply.status, reply.header('www-authenticate')], [401, 'Basic realm="lab", charset="UTF-8"'])
        assert.match(reply.body.toString(), /SLUICE_AUTH_UNAUTHORIZED/)
      }
      const crowd = await Promise.all(Array.from({ length: 10 }, connect))
      const replies = await Promise.all(crowd.map((each, i) => each.get('/', authorization(`anna:wrong ${i % 2}`))))
      assert.ok(replies.every(({ status }) => status === 401))
      assert.equal(upstream.seen.length, 3)
      assert.ok(!JSON.stringify(gateway.logs).includes('sesame'))
    })

    it('refuses an upload before it is sent, and goes on when its client has left', async (test) => {
      const upstream = await startHttpUpstream(test, report)
      const gateway = await GatewayProcess.start(
        test,
        `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0', engine: ${engine} }]
upstreams: { up: { endpoints: [{ url: '${upstream.url}' }] } }
plugins: { basic-auth: { concurrency: 1, queue: 0, users: [{ name: anna, password: '${PASSWORD}' }] } }
routes: [{ name: all, upstream: up }]
`,
      )
      const connect = () => RawClient.connect(test, gateway.port('main'))
      const client = await connect()
      client.send(`POST / HTTP/1.1\r\nHost: test\r\n${authorization('anna:wrong')}Content-Length: 3\r\n\r\nabc`)
      assert.equal((await client.response('POST')).status, 401)
      const gone = await connect()
      gone.send(`GET / HTTP/1.1\r\nHost: test\r\n${authorization('anna:wrong too')}\r\n`)
      gone.socket.destroy()
      // Its check may still run: then there is no place, and the answer says so.
      const status = async () => (await client.get('/', authorization('anna:open sesame'))).status
      let last = await status()
      for (let i = 0; i < 100 && last === 503; i++) last = await status()
      assert.equal(last, 200)
    })
  })
}
