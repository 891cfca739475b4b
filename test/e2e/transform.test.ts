// The transform plugin over real sockets.
import assert from 'node:assert/strict'
import type { RequestListener } from 'node:http'
import { describe, it, type TestContext } from 'node:test'
import { ENGINES, GatewayProcess, type Engine } from '../lab/gateway.ts'
import { RawClient, type RawResponse } from '../lab/raw-client.ts'
import { echoWhole, report, startHttpUpstream } from '../lab/upstreams.ts'

async function laboratory(test: TestContext, engine: Engine, options: string, answer: RequestListener) {
  const upstream = await startHttpUpstream(test, answer)
  const gateway = await GatewayProcess.start(
    test,
    `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0', engine: ${engine} }]
upstreams: { up: { endpoints: [{ url: '${upstream.url}' }] } }
plugins: { transform: ${options} }
routes: [{ name: all, match: { path: '/{id}/**' }, upstream: up }]
`,
  )
  return { upstream, gateway, client: await RawClient.connect(test, gateway.port('main')) }
}

function post(client: RawClient, body: string, type = 'application/json', extra = ''): Promise<RawResponse> {
  const head = `POST /7/x HTTP/1.1\r\nHost: test\r\nContent-Type: ${type}\r\n${extra}`
  client.send(`${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n`)
  client.send(Buffer.from(body))
  return client.response('POST')
}

for (const engine of ENGINES) {
  describe(`transform on ${engine}`, () => {
    it('headers and query of requests, headers of replies', async (test) => {
      const { client } = await laboratory(
        test,
        engine,
        `{ request: { headers: { rename: { x-old: x-new }, set: { x-id: '{param.id}-{query.q}', x-sub: '{claim.sub}' } },
            query: { remove: [debug], set: { via: '{header.x-via}' } } },
          response: { headers: { rename: { content-type: x-type }, set: { x-path: '{path}', x-q: '{query.q}' } } } }`,
        report,
      )
      const reply = await client.get('/7/a?debug=1&q=a%20b', 'X-Old: 1\r\nX-Sub: forged\r\nX-Via: v&w\r\n')
      const { target, headers } = JSON.parse(reply.body.toString()) as { target: string; headers: string[] }
      const sent = (name: string) => headers.filter((_, i) => i % 2 === 1 && headers[i - 1] === name)
      assert.equal(target, '/7/a?q=a%20b&via=v%26w')
      assert.deepEqual([sent('x-old'), sent('x-new'), sent('x-id'), sent('x-sub')], [[], ['1'], ['7-a b'], []])
      assert.deepEqual(
        [reply.header('x-type'), reply.header('x-path'), reply.header('x-q')],
        ['application/json', '/7/a', 'a b'],
      )
      assert.equal(reply.header('content-type'), '')
    })

    it('a value that no header may carry: 400 for the request, left out of a reply', async (test) => {
      const options = `{ request: { headers: { set: { x-id: '{query.q}' } } } }`
      const { client, gateway, upstream } = await laboratory(test, engine, options, report)
      for (const bad of ['%0d%0ax-a:%20b', '%00', '%D0%B6']) {
        const own = await RawClient.connect(test, gateway.port('main'))
        const reply = await own.get(`/7/a?q=${bad}`)
        assert.equal(reply.status, 400)
        assert.match(reply.body.toString(), /x-id/)
      }
      assert.equal(upstream.seen.length, 0)
      assert.equal((await client.get('/7/a?q=fine')).status, 200)
      const back = await laboratory(test, engine, `{ response: { headers: { set: { x-id: '{query.q}' } } } }`, report)
      const reply = await back.client.get('/7/a?q=a%0d%0ax-b:%20c')
      assert.deepEqual([reply.status, reply.header('x-id'), reply.header('x-b')], [200, '', ''])
    })

    it('JSON bodies both ways; other types are left alone', async (test) => {
      const { client } = await laboratory(
        test,
        engine,
        `{ request: { json: { set: { meta.id: '{param.id}' }, remove: [secret] } }, response: { json: { wrap: data } } }`,
        (request, response) => {
          response.setHeader('content-type', request.headers['content-type']!)
          echoWhole(request, response)
        },
      )
      const reply = await post(
        client,
        '{"secret":1,"big":12345678901234567890}',
        'application/vnd.x+json; charset=utf-8',
      )
      assert.equal(reply.body.toString(), '{"data":{"big":12345678901234567890,"meta":{"id":"7"}}}')
      assert.equal((await post(client, '{"secret":1}', 'text/plain')).body.toString(), '{"secret":1}')
      const pads = JSON.stringify({ pad: 'é'.repeat(200_000) })
      assert.equal((await post(client, pads)).body.length, Buffer.byteLength(pads) + 27)
    })

    it('refuses requests that are malformed, encoded or too large', async (test) => {
      const options = `{ request: { json: { wrap: a } }, maxSize: 1KiB }`
      const { client, gateway } = await laboratory(test, engine, options, echoWhole)
      assert.equal((await post(client, '{"a":')).status, 400)
      assert.equal((await post(client, '['.repeat(900) + ']'.repeat(100))).status, 400)
      assert.equal((await post(client, '{}', 'application/json', 'Content-Encoding: br\r\n')).status, 400)
      assert.equal((await post(client, JSON.stringify('x'.repeat(1100)))).status, 413)
      assert.equal((await post(client, '{"__proto__":{"a":1}}')).body.toString(), '{"a":{"__proto__":{"a":1}}}')
      const chunked = await RawClient.connect(test, gateway.port('main'))
      chunked.send(
        'POST /7/x HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n',
      )
      chunked.send(`7d0\r\n"${'x'.repeat(1998)}"\r\n0\r\n\r\n`)
      assert.equal((await chunked.response('POST')).status, 413)
    })

    it('cuts replies that cannot be changed; refuses those whose head says so', async (test) => {
      const { gateway } = await laboratory(
        test,
        engine,
        `{ response: { json: { wrap: a } }, maxSize: 1KiB }`,
        (request, response) => {
          request.resume()
          const kind = request.url!.split('/')[2]
          response.setHeader('content-type', 'application/json')
          if (kind === 'zip') response.setHeader('content-encoding', 'gzip')
          response.end(kind === 'bad' ? '{"a":' : JSON.stringify('x'.repeat(kind === 'large' ? 2000 : 1)))
        },
      )
      for (const kind of ['bad', 'large']) {
        const client = await RawClient.connect(test, gateway.port('main'))
        await assert.rejects(client.get(`/7/${kind}`), /ended|cut/)
      }
      const client = await RawClient.connect(test, gateway.port('main'))
      assert.equal((await client.get('/7/zip')).status, 502)
      assert.equal((await client.get('/7/fine')).body.toString(), '{"a":"x"}')
    })
  })
}
