// The mask plugin over real sockets: what comes out of the gateway never has the secret.
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { gzipSync } from 'node:zlib'
import { ENGINES, GatewayProcess, type Engine } from '../lab/gateway.ts'
import { RawClient } from '../lab/raw-client.ts'
import { startHttpUpstream } from '../lab/upstreams.ts'

const SECRET = 'S3CRET-7f1'

type Answer = (request: IncomingMessage, response: ServerResponse) => void

async function laboratory(test: TestContext, engine: Engine, options: string, answer: Answer) {
  const upstream = await startHttpUpstream(test, answer)
  const gateway = await GatewayProcess.start(
    test,
    `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0', engine: ${engine} }]
upstreams: { up: { endpoints: [{ url: '${upstream.url}' }] } }
plugins: { mask: ${options} }
routes: [{ name: all, upstream: up }]
`,
  )
  return { upstream, gateway, client: await RawClient.connect(test, gateway.port('main')) }
}

/** Answers with the pieces, each in a write of its own. */
function pieces(type: string, parts: readonly (string | Buffer)[], headers: Record<string, string> = {}): Answer {
  return (request, response) => {
    request.resume()
    response.writeHead(200, { 'content-type': type, ...headers })
    const next = (i: number): void => {
      if (i === parts.length) response.end()
      else response.write(parts[i], () => setImmediate(next, i + 1))
    }
    next(0)
  }
}

for (const engine of ENGINES) {
  describe(`mask on ${engine}`, () => {
    it('masks JSON, text and headers of replies, in whatever pieces they come', async (test) => {
      const text = JSON.stringify({ id: 1, card: { number: SECRET }, list: [{ secret: [SECRET] }], note: 'é' })
      const options = `{ json: [card.number, '**.secret'], headers: [x-key], regex: ['S3CRET-[0-9a-f]+'] }`
      let type = 'application/problem+json; charset=utf-8'
      const { client, upstream } = await laboratory(test, engine, options, (request, response) => {
        const body = type.startsWith('text') ? `a ${SECRET} b ${SECRET}` : text
        pieces(type, Array.from(body), { 'x-key': SECRET, etag: '"1"' })(request, response)
      })
      const json = await client.get('/', 'Accept-Encoding: gzip\r\nRange: bytes=5-9\r\n')
      const expected = { id: 1, card: { number: '***' }, list: [{ secret: '***' }], note: 'é' }
      assert.deepEqual(JSON.parse(json.body.toString()), expected)
      assert.deepEqual([json.header('x-key'), json.header('etag')], ['***', ''])
      assert.deepEqual([upstream.seen[0]!.header('accept-encoding'), upstream.seen[0]!.header('range')], ['', ''])
      type = 'text/plain'
      assert.equal((await client.get('/')).body.toString(), 'a *** b ***')
      type = 'application/octet-stream'
      assert.equal((await client.get('/')).body.toString(), text, 'other types pass')
    })

    it('masks a large reply for a slow reader', async (test) => {
      const row = JSON.stringify({ secret: SECRET, pad: 'p'.repeat(1000) })
      const text = `[${Array.from({ length: 4000 }, () => row).join(',')}]`
      const { client } = await laboratory(test, engine, `{ json: ['*.secret'] }`, pieces('application/json', [text]))
      client.socket.pause()
      client.send('GET / HTTP/1.1\r\nHost: test\r\n\r\n')
      setImmediate(() => client.socket.resume())
      const { body } = await client.response()
      assert.ok(!body.includes(SECRET))
      assert.equal((JSON.parse(body.toString()) as unknown[]).length, 4000)
    })

    it('cuts a reply that is not JSON: it never looks whole, and shows no secret', async (test) => {
      for (const bad of [`{"a":1,"secret":"x","b":!${SECRET}}`, '{"a":1', `{"a\\q":"${SECRET}"}`]) {
        const { client } = await laboratory(test, engine, `{ json: [secret] }`, pieces('application/json', [bad]))
        client.send('GET / HTTP/1.1\r\nHost: test\r\n\r\n')
        await assert.rejects(client.response(), /ended|cut/)
        assert.ok(!client.received.includes(SECRET))
      }
    })

    it('refuses replies that it cannot read, before the head', async (test) => {
      const zipped = gzipSync(JSON.stringify({ secret: SECRET }))
      const encoded = pieces('application/json', [zipped], { 'content-encoding': 'gzip' })
      const { client } = await laboratory(test, engine, `{ json: [secret] }`, encoded)
      for (let i = 0; i < 2; i++) {
        const reply = await client.get('/')
        assert.equal(reply.status, 502)
        assert.match(reply.body.toString(), /SLUICE_PLUGIN_UNUSABLE_REPLY/)
      }
      const part = await laboratory(test, engine, `{ json: [secret] }`, (request, response) => {
        request.resume()
        response.writeHead(206, { 'content-type': 'multipart/byteranges' }).end(SECRET)
      })
      assert.equal((await part.client.get('/')).status, 502)
    })

    it('masks requests, and refuses those that it cannot read', async (test) => {
      const got: Buffer[] = []
      const { client, upstream } = await laboratory(
        test,
        engine,
        `{ json: [password], headers: [x-key], in: [request], maxSize: 1KiB }`,
        (request, response) => {
          request.on('data', (chunk: Buffer) => got.push(chunk))
          request.on('end', () => response.end('ok'))
          request.resume()
        },
      )
      const post = (body: string, extra = 'Content-Type: application/json\r\n') => {
        client.send(`POST / HTTP/1.1\r\nHost: test\r\nContent-Length: ${body.length}\r\n${extra}\r\n${body}`)
        return client.response('POST')
      }
      const type = 'Content-Type: application/json\r\n'
      assert.equal(
        (await post(`{"pass\\u0077ord":"${SECRET}"}`, `${type}X-Key: ${SECRET}\r\nX-Key: 2\r\n`)).status,
        200,
      )
      assert.equal(Buffer.concat(got).toString(), '{"pass\\u0077ord":"***"}')
      assert.deepEqual(
        upstream.seen[0]!.headers.filter((_, i, all) => all[i - 1] === 'x-key'),
        ['***'],
      )
      got.length = 0
      assert.equal((await post('[]', `${type}Content-Encoding: gzip\r\n`)).status, 400)
      assert.equal((await post(JSON.stringify('x'.repeat(1024)))).status, 413)
      assert.ok(!Buffer.concat(got).includes(SECRET))
    })

    it('refuses a malformed request with 400', async (test) => {
      const { client } = await laboratory(
        test,
        engine,
        `{ json: [password], in: [request] }`,
        pieces('text/plain', ['ok']),
      )
      const body = `{"password":"x",${SECRET}}`
      client.send(
        `PUT / HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      )
      const reply = await client.response('PUT')
      assert.equal(reply.status, 400)
      assert.match(reply.body.toString(), /SLUICE_PLUGIN_BAD_BODY/)
      assert.ok(!reply.body.includes(SECRET))
    })

    it('masks what access-log writes', async (test) => {
      const directory = await mkdtemp(join(tmpdir(), 'sluice-mask-'))
      test.after(() => rm(directory, { recursive: true, force: true }))
      const file = join(directory, 'access.log')
      const gateway = await GatewayProcess.start(
        test,
        `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0', engine: ${engine} }]
plugins:
  access-log: { destination: '${file}', query: true, headers: [X-Key, user-agent] }
  mask: { in: [log], headers: [x-key], regex: ['S3CRET-[0-9a-f]+'] }
routes: [{ name: all, match: { path: /here/** }, respond: {} }]
`,
      )
      const client = await RawClient.connect(test, gateway.port('main'))
      await client.get(`/here/${SECRET}?token=${SECRET}`, `X-Key: anything\r\nUser-Agent: a ${SECRET} b\r\n`)
      await client.get(`/nowhere?${SECRET}`)
      await gateway.stop()
      const text = await readFile(file, 'utf8')
      assert.ok(!text.includes(SECRET) && !text.includes('anything'), text)
      const [line, refused] = text
        .split('\n')
        .map((each) => (each === '' ? {} : (JSON.parse(each) as Record<string, unknown>)))
      assert.equal(line!['path'], '/here/***?token=***')
      assert.deepEqual(line!['headers'], { 'X-Key': '***', 'user-agent': 'a *** b' })
      assert.equal(refused!['path'], '/nowhere?***')
    })
  })
}
