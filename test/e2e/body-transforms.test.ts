// The body phase of the chain: small transforms of a user's own, on both engines and both transports.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { RequestListener } from 'node:http'
import { describe, it, type TestContext } from 'node:test'
import { GatewayProcess, ROADS, type Road } from '../lab/gateway.ts'
import { RawClient } from '../lab/raw-client.ts'
import { echo, echoWhole, startHttpUpstream, startRawUpstream, type Upstream } from '../lab/upstreams.ts'

const MIB = 1024 * 1024

/** Each takes part where the path names it: /upper, /hold ... with `request` or `response` for one side only. */
const upper = `
const upper = (bytes) => {
  const out = Buffer.from(bytes)
  for (let i = 0; i < out.length; i++) if (out[i] >= 97 && out[i] <= 122) out[i] -= 32
  return out
}`

const plugin = (name: string, order: number, transform: string, more = ''): string => `
import { BodyRefused, definePlugin, ERRORS, Type } from 'sluice/plugin'
${upper}
const step = (side) => (x) => {
  const asked = x.path.split('/')
  if (!asked.includes('${name}') || (asked.includes('request') && side !== 'request') || (asked.includes('response') && side !== 'response')) return null
  ${transform}
}
export default definePlugin({
  name: '${name}', order: ${order}, schema: Type.Object({}, { additionalProperties: false }),
  compile: (_, host) => ({ body: { request: step('request'), response: step('response') }, ${more} }),
})
`

const FILES = {
  'mine/upper.ts': plugin('upper', 10, 'return { chunk: upper, end: () => null }'),
  // Behind upper: what it adds stays in lower case.
  'mine/frame.ts': plugin(
    'frame',
    20,
    `let begun = false
  return {
    chunk(bytes) { const out = begun ? bytes : Buffer.concat([Buffer.from('<a>'), bytes]); begun = true; return out },
    end: () => Buffer.from('</a>'),
  }`,
  ),
  'mine/hold.ts': plugin(
    'hold',
    15,
    'const parts = []; return { chunk(bytes) { parts.push(Buffer.from(bytes)); return null }, end: () => Buffer.concat(parts) }',
  ),
  'mine/empty.ts': plugin('empty', 16, 'return { chunk: () => new Uint8Array(0), end: () => new Uint8Array(0) }'),
  'mine/bad.ts': plugin(
    'bad',
    30,
    `let seen = 0
  const fail = () => { throw asked.includes('refuse') ? new BodyRefused(side === 'request' ? ERRORS.badBody : ERRORS.unusableReply, 'not this') : new Error('secret detail') }
  if (asked.includes('open')) fail()
  return {
    chunk(bytes) { seen += bytes.length; if (asked.includes('first') || (asked.includes('middle') && seen > 100000)) fail(); return bytes },
    end() { if (asked.includes('end')) fail(); return null },
  }`,
  ),
  'mine/later.ts': plugin(
    'later',
    5,
    'return null',
    `response: (x) => x.path.includes('later') ? new Promise((resolve) => host.after(20, resolve)) : undefined,
     log: (x) => host.log.warn({ path: x.path, bytesOut: x.bytesOut, errorCode: x.errorCode }, 'over')`,
  ),
}

async function gatewayTo(test: TestContext, road: Road, upstream: Upstream) {
  const gateway = await GatewayProcess.start(
    test,
    `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0', engine: ${road.engine} }]
upstreams: { up: { transport: ${road.transport}, endpoints: [{ url: '${upstream.url}' }] } }
pluginDirectories: [./mine]
plugins: { upper: {}, frame: {}, hold: {}, empty: {}, bad: {}, later: {} }
routes: [{ name: all, upstream: up }]
`,
    { files: FILES },
  )
  return { gateway, client: await RawClient.connect(test, gateway.port('main')) }
}

async function laboratory(test: TestContext, road: Road, answer: RequestListener) {
  const upstream = await startHttpUpstream(test, answer)
  return { upstream, ...(await gatewayTo(test, road, upstream)) }
}

function post(
  client: RawClient,
  path: string,
  body: Buffer | string,
  chunked = false,
): Promise<{ status: number; body: Buffer }> {
  const bytes = Buffer.from(body)
  const framing = chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${bytes.length}`
  client.send(`POST ${path} HTTP/1.1\r\nHost: test\r\nContent-MD5: x\r\n${framing}\r\n\r\n`)
  if (!chunked) client.send(bytes)
  else {
    for (let at = 0; at < bytes.length; at += 100_000) {
      const piece = bytes.subarray(at, at + 100_000)
      client.send(`${piece.length.toString(16)}\r\n`)
      client.send(Buffer.concat([piece, Buffer.from('\r\n')]))
    }
    client.send('0\r\n\r\n')
  }
  return client.response('POST')
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

/** Answers with a body of this many bytes, in lower case. */
const letters =
  (length: number): RequestListener =>
  (request, response) => {
    request.resume()
    response.writeHead(200, { 'content-length': length, etag: '"1"', 'content-md5': 'x', 'accept-ranges': 'bytes' })
    response.end(request.method === 'HEAD' ? undefined : Buffer.alloc(length, 'abc'))
  }

for (const road of ROADS) {
  describe(`body transforms on ${road.name}`, () => {
    it('both ways, small and of 8 MiB, of known length and chunked, on one connection', async (test) => {
      const { upstream, gateway } = await laboratory(test, road, echo)
      for (const chunked of [false, true]) {
        // An engine may close after a chunked request, so that each gets a connection.
        for (const size of [1, 5, 8 * MIB]) {
          const client = await RawClient.connect(test, gateway.port('main'))
          const body = Buffer.alloc(size, 'abcdefg')
          const reply = await post(client, '/upper/request', body, chunked)
          const expected = Buffer.from(body.toString().toUpperCase())
          assert.equal(sha256(reply.body), sha256(expected))
          const seen = upstream.seen.at(-1)!
          assert.deepEqual([seen.bytes, seen.sha256, seen.end], [size, sha256(expected), 'complete'])
          // undici gives a body that is complete already its length again.
          assert.ok(['', String(size)].includes(seen.header('content-length')))
          assert.equal(seen.header('content-md5'), '')
        }
      }
      const client = await RawClient.connect(test, gateway.port('main'))
      for (const path of ['/upper/response', '/upper', '/hold', '/hold/upper', '/none']) {
        const reply = await post(client, path, 'abc')
        assert.equal(reply.body.toString(), path.includes('upper') ? 'ABC' : 'abc', path)
      }
    })

    it('replies lose their length and what describes their bytes, and keep the connection', async (test) => {
      const { client } = await laboratory(test, road, letters(8 * MIB))
      for (let i = 0; i < 2; i++) {
        const reply = await client.get('/upper')
        assert.equal(sha256(reply.body), sha256(Buffer.alloc(8 * MIB, 'ABC')))
        for (const name of ['content-length', 'etag', 'content-md5', 'accept-ranges'])
          assert.equal(reply.header(name), '')
      }
      assert.equal((await client.get('/none')).header('etag'), '"1"')
    })

    it('waits for a client that reads slowly', async (test) => {
      const { client, upstream } = await laboratory(test, road, letters(8 * MIB))
      for (const path of ['/upper', '/hold', '/frame/hold']) {
        client.socket.pause()
        client.send(`GET ${path} HTTP/1.1\r\nHost: test\r\n\r\n`)
        await upstream.until(() => upstream.seen.at(-1)?.target === path, 'the request')
        client.socket.resume()
        const { body } = await client.response()
        assert.equal(body.length, 8 * MIB + (path.includes('frame') ? 7 : 0), path)
      }
    })

    it('two in a row run in the order that they declare, in both directions', async (test) => {
      const { client } = await laboratory(test, road, echo)
      assert.equal((await post(client, '/frame/upper/request', 'abc')).body.toString(), '<a>ABC</a>')
      assert.equal((await post(client, '/frame/upper/response', 'abc')).body.toString(), '<a>ABC</a>')
      assert.equal((await post(client, '/frame/upper/hold', 'abc')).body.toString(), '<a><A>ABC</A></a>')
    })

    it('one that gives nothing leaves an empty body that is whole', async (test) => {
      const { client, upstream } = await laboratory(test, road, echoWhole)
      assert.equal((await post(client, '/empty/request', 'abc')).body.length, 0)
      assert.deepEqual([upstream.seen[0]!.bytes, upstream.seen[0]!.end], [0, 'complete'])
      assert.equal((await post(client, '/empty/response', 'abc')).body.length, 0)
      assert.equal((await post(client, '/none', 'abc')).body.toString(), 'abc')
    })

    it('adds to a reply without a byte', async (test) => {
      const { client } = await laboratory(test, road, letters(0))
      assert.equal((await client.get('/frame')).body.toString(), '</a>')
      assert.equal((await client.get('/upper')).body.length, 0)
    })

    it('a request whose transform throws is answered with 500, and never looks whole to the upstream', async (test) => {
      const { client, gateway, upstream } = await laboratory(test, road, echoWhole)
      const body = Buffer.alloc(300_000, 'a')
      for (const at of ['open', 'first', 'middle', 'end']) {
        const own = await RawClient.connect(test, gateway.port('main'))
        const reply = await post(own, `/bad/request/${at}`, body)
        assert.equal(reply.status, 500, at)
        assert.match(reply.body.toString(), /SLUICE_PLUGIN_FAILED/)
        assert.ok(!reply.body.includes('secret'))
      }
      await gateway.waitForLog((line) => line['plugin'] === 'bad' && line['code'] === 'SLUICE_PLUGIN_FAILED')
      await upstream.until(() => upstream.seen.every(({ end }) => end === 'cut'), 'cut requests')
      const small = await post(client, '/bad/request/first', 'abc')
      assert.equal(small.status, 500)
      assert.equal((await post(client, '/none', 'abc')).status, 200, 'on the same connection')
    })

    it('a reply whose transform throws is cut, and counted once', async (test) => {
      const { gateway } = await laboratory(test, road, letters(300_000))
      for (const at of ['first', 'middle', 'end']) {
        const client = await RawClient.connect(test, gateway.port('main'))
        client.send(`GET /bad/response/${at} HTTP/1.1\r\nHost: test\r\n\r\n`)
        await assert.rejects(client.response(), /ended|cut/, at)
      }
      const client = await RawClient.connect(test, gateway.port('main'))
      const opened = await client.get('/bad/response/open')
      assert.equal(opened.status, 500)
      assert.equal((await client.get('/none')).body.length, 300_000)
      await gateway.waitForLog((line) => line.msg === 'over' && line['path'] === '/none')
      const over = gateway.logs.filter(({ msg }) => msg === 'over').map((line) => line['path'])
      assert.deepEqual(
        over.map(String).toSorted((a, b) => (a < b ? -1 : 1)),
        ['/bad/response/end', '/bad/response/first', '/bad/response/middle', '/bad/response/open', '/none'],
      )
    })

    it('BodyRefused answers with its kind, or cuts', async (test) => {
      const { client, gateway } = await laboratory(test, road, echoWhole)
      for (const at of ['open', 'first', 'end']) {
        const reply = await post(client, `/bad/refuse/request/${at}`, 'abc')
        assert.equal(reply.status, 400, at)
        assert.match(reply.body.toString(), /not this.*SLUICE_PLUGIN_BAD_BODY/)
      }
      assert.equal((await post(client, '/bad/refuse/response/open', 'abc')).status, 502)
      assert.equal((await post(client, '/none', 'abc')).status, 200)
      const cut = await RawClient.connect(test, gateway.port('main'))
      await assert.rejects(post(cut, '/bad/refuse/response/first', 'abc'), /ended|cut/)
    })

    it('HEAD, 204 and 304 have no body, whatever a transform would add', async (test) => {
      const { client } = await laboratory(test, road, (request, response) => {
        request.resume()
        if (request.url!.startsWith('/2')) response.writeHead(204).end()
        else if (request.url!.startsWith('/3')) response.writeHead(304, { etag: '"1"' }).end()
        else letters(5)(request, response)
      })
      for (const path of ['/x/frame/bad/end', '/x/upper/hold']) {
        client.send(`HEAD ${path} HTTP/1.1\r\nHost: test\r\n\r\n`)
        const head = await client.response('HEAD')
        assert.deepEqual([head.status, head.header('content-length'), head.header('etag')], [200, '', ''])
      }
      assert.equal((await client.get('/204/frame')).status, 204)
      const unchanged = await client.get('/304/frame')
      assert.deepEqual([unchanged.status, unchanged.header('etag')], [304, '"1"'])
      assert.equal((await client.get('/x/frame')).body.toString(), '<a>abcab</a>', 'in step')
    })

    it('a reply that has ended before the response phase settles arrives whole', async (test) => {
      const { client } = await laboratory(test, road, (request, response) => {
        letters(Number(request.url!.split('/')[1]))(request, response)
      })
      for (const size of [0, 3, 30_000, 3_000_000]) {
        assert.equal((await client.get(`/${size}/later/frame`)).body.length, size + (size === 0 ? 4 : 7), String(size))
        const expected = Buffer.alloc(size, 'ABC')
        assert.equal(sha256((await client.get(`/${size}/later/upper/hold`)).body), sha256(expected), String(size))
        assert.equal((await client.get(`/${size}/later`)).body.length, size)
      }
      client.send('GET /9/later/bad/response/end HTTP/1.1\r\nHost: test\r\n\r\n')
      await assert.rejects(client.response(), /ended|cut/)
    })

    it('a reply that is cut by the upstream is cut here', async (test) => {
      const upstream = await startRawUpstream(test, (socket) => {
        socket.end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc')
      })
      const { gateway } = await gatewayTo(test, road, upstream)
      for (const path of ['/upper', '/hold', '/frame']) {
        const client = await RawClient.connect(test, gateway.port('main'))
        client.send(`GET ${path} HTTP/1.1\r\nHost: test\r\n\r\n`)
        await assert.rejects(client.response(), /ended|cut/, path)
      }
    })

    it('a client that goes away takes its upstream request with it', async (test) => {
      const { gateway, upstream } = await laboratory(test, road, echo)
      for (const path of ['/upper', '/upper/request', '/frame']) {
        const client = await RawClient.connect(test, gateway.port('main'))
        client.send(`POST ${path} HTTP/1.1\r\nHost: test\r\nContent-Length: 100000\r\n\r\n${'a'.repeat(5000)}`)
        await upstream.until(() => upstream.seen.some(({ target }) => target === path), 'the request')
        client.socket.destroy()
        await upstream.until(() => upstream.seen.some(({ target, end }) => target === path && end === 'cut'), 'the cut')
        await gateway.waitForLog((line) => line.msg === 'over' && line['path'] === path)
      }
      const client = await RawClient.connect(test, gateway.port('main'))
      assert.equal((await post(client, '/upper', 'abc')).body.toString(), 'ABC')
    })
  })
}
