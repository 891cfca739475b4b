// Signed requests over real connections, on both engines.
import assert from 'node:assert/strict'
import { createHmac, hash, randomBytes } from 'node:crypto'
import { describe, it, type TestContext } from 'node:test'
import { ENGINES, GatewayProcess, type Engine } from '../lab/gateway.ts'
import { RawClient } from '../lab/raw-client.ts'
import { echoWhole, startHttpUpstream } from '../lab/upstreams.ts'

const SECRET = 'a secret of enough bytes'

async function laboratory(test: TestContext, engine: Engine) {
  const upstream = await startHttpUpstream(test, echoWhole)
  const gateway = await GatewayProcess.start(
    test,
    `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0', engine: ${engine} }]
upstreams: { up: { endpoints: [{ url: '${upstream.url}' }] } }
plugins: { hmac-auth: { headers: [host], keys: [{ id: k, secret: '${SECRET}', consumer: anna }] } }
routes:
  - { name: other, match: { path: /other }, upstream: up, plugins: { hmac-auth: { keys: [{ id: k, secret: '${SECRET}', consumer: anna }] } } }
  - { name: all, upstream: up }
`,
  )
  return { upstream, gateway, connect: () => RawClient.connect(test, gateway.port('main')) }
}

function fields(method: string, target: string, body: Buffer | null): string {
  const [path = '', search = ''] = target.split(/(?=\?)/)
  const date = new Date().toUTCString()
  const digest = body === null ? '' : `sha-256=:${hash('sha256', body, 'base64')}:`
  const text = ['HMAC-SHA256', method, path, search, date, digest, 'host:test'].join('\n')
  const signature = createHmac('sha256', SECRET).update(text).digest('base64')
  const sent = `Host: test\r\nX-Date: ${date}\r\nAuthorization: HMAC-SHA256 keyId=k,signature=${signature},headers="host"\r\n`
  return body === null ? sent : `${sent}Content-Digest: ${digest}\r\n`
}

function chunked(body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n0\r\n\r\n')])
}

for (const engine of ENGINES) {
  describe(`hmac-auth on ${engine}`, () => {
    it('lets signed requests pass, once', async (test) => {
      const { upstream, connect } = await laboratory(test, engine)
      const client = await connect()
      const send = async (head: string) => {
        client.send(head)
        return (await client.response()).status
      }
      const head = `GET /a?b=c HTTP/1.1\r\n${fields('GET', '/a?b=c', null)}\r\n`
      assert.deepEqual([await send(head), await send(head)], [200, 401])
      const other = `GET /other HTTP/1.1\r\n${fields('GET', '/other', null)}\r\n`
      assert.deepEqual([await send(other), await send(other)], [200, 401])
      for (const bad of [
        'GET / HTTP/1.1\r\nHost: test\r\n\r\n',
        head.replace('/a?b=c', '/a?b=d'),
        `GET / HTTP/1.1\r\n${fields('GET', '/', null).replace('Host: test', 'Host: best')}\r\n`,
        `GET / HTTP/1.1\r\n${fields('POST', '/', null)}\r\n`,
        `GET / HTTP/1.1\r\n${fields('GET', '/', null)}Authorization: HMAC-SHA256\r\n\r\n`,
        `GET / HTTP/1.1\r\nHost: test\r\nAuthorization: HMAC-SHA256 ${','.repeat(3000)}\r\n\r\n`,
      ]) {
        client.send(bad)
        const reply = await client.response()
        assert.deepEqual([reply.status, reply.header('www-authenticate')], [401, 'HMAC-SHA256 realm="api"'], bad)
      }
      assert.equal(upstream.seen.length, 2)
    })

    it('passes bodies of every size on when they are what was signed', async (test) => {
      const { connect } = await laboratory(test, engine)
      for (const size of [1, 1000, 3_000_000]) {
        const body = randomBytes(size)
        const known = await connect()
        known.send(`POST /known HTTP/1.1\r\n${fields('POST', '/known', body)}Content-Length: ${size}\r\n\r\n`)
        known.send(body)
        assert.ok((await known.response('POST')).body.equals(body))
        const unknown = await connect()
        unknown.send(`POST /unknown HTTP/1.1\r\n${fields('POST', '/unknown', body)}Transfer-Encoding: chunked\r\n\r\n`)
        unknown.send(chunked(body))
        assert.ok((await unknown.response('POST')).body.equals(body))
      }
    })

    it('lets no upstream take another body for whole', async (test) => {
      const { upstream, connect } = await laboratory(test, engine)
      for (const size of [1, 1000, 3_000_000]) {
        const body = randomBytes(size)
        const head = `POST /a HTTP/1.1\r\n${fields('POST', '/a', body)}`
        body[size - 1]! ^= 1
        const client = await connect()
        client.send(`${head}Content-Length: ${size}\r\n\r\n`)
        client.send(body)
        const reply = await client.response('POST')
        assert.equal(reply.status, 400)
        assert.match(reply.body.toString(), /SLUICE_PLUGIN_BAD_BODY/)
      }
      await upstream.until(() => upstream.seen.every(({ end }) => end !== 'open'), 'the end of the requests')
      assert.ok(upstream.seen.every(({ end }) => end === 'cut'))
    })
  })
}
