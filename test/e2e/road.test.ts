// The road of a request, on both engines and both transports: what reaches the upstream, what comes back, what is refused.
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { GatewayProcess, ROADS, type Road } from '../lab/gateway.ts'
import { RawClient, type RawResponse } from '../lab/raw-client.ts'
import { report, startHttpUpstream, startRawUpstream } from '../lab/upstreams.ts'

interface Report {
  readonly method: string
  readonly target: string
  readonly headers: readonly string[]
}

function reported(response: RawResponse): Report & { header(name: string): string[] } {
  const parsed = JSON.parse(response.body.toString()) as Report
  return { ...parsed, header: (name) => parsed.headers.filter((_, i) => i % 2 === 1 && parsed.headers[i - 1] === name) }
}

function problem(response: RawResponse): Record<string, unknown> {
  assert.equal(response.header('content-type'), 'application/problem+json')
  return JSON.parse(response.body.toString()) as Record<string, unknown>
}

async function laboratory(test: TestContext, road: Road, more = '') {
  const upstream = await startHttpUpstream(test, report)
  const gateway = await GatewayProcess.start(
    test,
    `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0', engine: ${road.engine} }]
${more.includes('plugins:\n') ? '' : 'plugins: { request-id: {} }\n'}upstreams: { up: { transport: ${road.transport}, endpoints: [{ url: '${upstream.url}' }] } }
${more || 'routes: [{ name: all, upstream: up }]'}
`,
  )
  return { upstream, gateway, client: await RawClient.connect(test, gateway.port('main')) }
}

for (const road of ROADS) {
  describe(`road on ${road.name}`, () => {
    it('forwards a request with what a gateway adds, and without what concerns one connection only', async (test) => {
      const { client } = await laboratory(test, road)
      client.send(
        'GET /a/./b%7e//c?x=%20&y HTTP/1.1\r\nHost: Api.Example.com:81\r\nConnection: keep-alive, X-Secret\r\nX-Secret: 1\r\n' +
          'Keep-Alive: 5\r\nTE: trailers\r\nUpgrade: h2c\r\nProxy-Connection: x\r\nX-Forwarded-For: 6.6.6.6\r\n' +
          'X-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\nForwarded: for=6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\n' +
          'X-Kept: a\r\nX-Kept: b\r\nX-Latin: a\xe9b\r\nVia: 1.0 fred\r\n\r\n',
      )
      const seen = reported(await client.response())
      assert.equal(seen.target, '/a/b~/c?x=%20&y')
      assert.deepEqual(seen.header('host'), ['Api.Example.com:81'])
      assert.deepEqual(seen.header('x-forwarded-for'), ['127.0.0.1'])
      assert.deepEqual(seen.header('x-forwarded-proto'), ['http'])
      assert.deepEqual(seen.header('x-forwarded-host'), ['Api.Example.com:81'])
      assert.deepEqual(seen.header('via'), ['1.0 fred, 1.1 sluice'])
      assert.deepEqual(seen.header('x-kept'), ['a', 'b'])
      assert.deepEqual(seen.header('x-latin'), ['a\xe9b'])
      assert.match(seen.header('x-request-id')[0]!, /^[0-9a-f]{20}$/)
      for (const gone of ['x-secret', 'te', 'upgrade', 'proxy-connection', 'forwarded', 'x-real-ip', 'keep-alive']) {
        assert.deepEqual(seen.header(gone), [], gone)
      }
    })

    it('tells connections from different addresses apart', async (test) => {
      const { client, gateway } = await laboratory(test, road)
      const others = await Promise.all(
        ['127.0.0.2', '127.0.0.3'].map(async (address) => ({
          address,
          client: await RawClient.connect(test, gateway.port('main'), address),
        })),
      )
      const clients = [{ address: '127.0.0.1', client }, ...others, { address: '127.0.0.1', client }]
      for (const each of clients) {
        assert.deepEqual(reported(await each.client.get('/')).header('x-forwarded-for'), [each.address])
      }
    })

    it('believes trusted proxies, and finds the client behind them', async (test) => {
      const { client } = await laboratory(
        test,
        road,
        'trustedProxies: [127.0.0.0/8, 10.0.0.0/8]\nplugins:\n  ip-restrict: { deny: [6.6.6.6] }\nroutes: [{ name: all, upstream: up }]',
      )
      const trusted = reported(
        await client.get(
          '/',
          'X-Forwarded-For: 1.1.1.1, 2.2.2.2, 10.0.0.9\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Port: 444\r\n',
        ),
      )
      assert.deepEqual(trusted.header('x-forwarded-for'), ['1.1.1.1, 2.2.2.2, 10.0.0.9, 127.0.0.1'])
      assert.deepEqual(trusted.header('x-forwarded-proto'), ['https'])
      assert.deepEqual(trusted.header('x-forwarded-port'), ['444'])
      // Whatever the left end claims, the rightmost untrusted address is the client.
      assert.equal((await client.get('/', 'X-Forwarded-For: 6.6.6.6, 10.0.0.9\r\n')).status, 403)
      assert.equal((await client.get('/', 'X-Forwarded-For: 6.6.6.6, 7.7.7.7, 10.0.0.9\r\n')).status, 200)
      assert.equal(
        (await client.get('/', 'Forwarded: for="[2001:db8::1]:80", for=6.6.6.6;proto=https\r\n')).status,
        403,
      )
      // Connection must not hide where the request came from.
      assert.equal((await client.get('/', 'Connection: X-Forwarded-For\r\nX-Forwarded-For: 6.6.6.6\r\n')).status, 403)
    })

    it('answers by itself: respond, redirect, rewrite, 404, 405, HEAD', async (test) => {
      const { client } = await laboratory(
        test,
        road,
        `routes:
  - { name: hello, match: { path: /hello, method: GET }, respond: { status: 201, body: hi, headers: { X-A: b } } }
  - { name: old, match: { path: '/old/{rest*}' }, redirect: { to: '{scheme}://{host}/new/{rest}?{query}', status: 301 } }
  - { name: strip, match: { path: /api/** }, rewrite: { stripPrefix: /api, host: inner }, upstream: up }
  - { name: template, match: { path: '/u/{id}/{rest*}', method: [GET] }, rewrite: { path: '/v2/{rest}/of/{id}' }, upstream: up }`,
      )
      const hello = await client.get('/hello')
      assert.deepEqual([hello.status, hello.header('x-a'), hello.body.toString()], [201, 'b', 'hi'])
      client.send('HEAD /hello HTTP/1.1\r\nHost: test\r\n\r\n')
      const head = await client.response('HEAD')
      assert.deepEqual([head.status, head.header('content-length')], [201, '2'])
      assert.equal((await client.get('/old/a/b?c=d')).header('location'), 'http://localhost/new/a/b?c=d')
      assert.equal((await client.get('/old/a')).header('location'), 'http://localhost/new/a')
      const stripped = reported(await client.get('/api/x?q'))
      assert.deepEqual([stripped.target, ...stripped.header('host')], ['/x?q', 'inner'])
      assert.equal(reported(await client.get('/api')).target, '/')
      assert.equal(reported(await client.get('/u/42/a/b?q')).target, '/v2/a/b/of/42?q')
      const missing = problem(await client.get('/nowhere'))
      assert.deepEqual([missing['status'], missing['code']], [404, 'SLUICE_ROUTER_NOT_FOUND'])
      client.send('DELETE /hello HTTP/1.1\r\nHost: test\r\n\r\n')
      const refused = await client.response()
      assert.deepEqual([refused.status, refused.header('allow')], [405, 'GET, HEAD'])
    })

    it('refuses what two parsers could read differently, and closes the connection', async (test) => {
      const { gateway } = await laboratory(test, road)
      const cases: [what: string, request: string][] = [
        ['two lengths', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!'],
        ['equal lengths twice', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello'],
        [
          'length and chunked',
          'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
        ],
        ['unknown coding', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n'],
        ['coding after chunked', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n'],
        [
          'two codings',
          'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
        ],
        ['signed length', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello'],
        ['no host', 'GET / HTTP/1.1\r\n\r\n'],
        ['two hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n'],
        ['host with a path', 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n'],
        ['host with credentials', 'GET / HTTP/1.1\r\nHost: u@a\r\n\r\n'],
        ['encoded slash', 'GET /a%2fb HTTP/1.1\r\nHost: a\r\n\r\n'],
        ['above the root', 'GET /../a HTTP/1.1\r\nHost: a\r\n\r\n'],
        ['encoded dots above the root', 'GET /%2e%2e/a HTTP/1.1\r\nHost: a\r\n\r\n'],
        ['backslash', 'GET /a\\b HTTP/1.1\r\nHost: a\r\n\r\n'],
        ['overlong UTF-8', 'GET /%c0%af HTTP/1.1\r\nHost: a\r\n\r\n'],
        ['fragment', 'GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n'],
        ['fragment in the query', 'GET /a?b#c HTTP/1.1\r\nHost: a\r\n\r\n'],
        ['bytes beyond ASCII', 'GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n'],
      ]
      for (const [what, request] of cases) {
        const client = await RawClient.connect(test, gateway.port('main'))
        client.send(request)
        await client.ended()
        const reply = client.received.toString('latin1')
        assert.match(reply, /^HTTP\/1\.1 400 /, what)
        assert.match(reply, /^connection: close\r$/im, what)
        assert.equal(reply.split('HTTP/1.1 ').length, 2, `${what}: one reply`)
      }
      assert.equal((await (await RawClient.connect(test, gateway.port('main'))).get('/')).status, 200)
    })

    it('serves what follows a chunked body only where the engine reads chunks strictly', async (test) => {
      const { upstream, client } = await laboratory(test, road)
      client.send(
        'POST /first HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET /hidden HTTP/1.1\r\nHost: a\r\n\r\n',
      )
      if (road.engine === 'node') {
        assert.equal((await client.response('POST')).status, 200)
        assert.equal((await client.response()).status, 200)
      } else {
        await client.ended()
        assert.ok(!upstream.seen.some(({ target }) => target === '/hidden'))
      }
    })

    it('keeps connections open over many requests, and closes when asked', async (test) => {
      const { client, upstream } = await laboratory(test, road)
      for (let i = 0; i < 50; i++) assert.equal((await client.get(`/${i}`)).status, 200)
      assert.equal(upstream.opened, 1)
      const last = await client.get('/', 'Connection: close\r\n')
      assert.equal(last.status, 200)
      await client.ended()
    })

    it('drops hop-by-hop fields and informational replies of the upstream', async (test) => {
      const upstream = await startRawUpstream(test, (socket) =>
        socket.write(
          'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 Fine\r\nConnection: X-Private\r\nX-Private: 1\r\nKeep-Alive: timeout=5\r\n' +
            'Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Latin: \xe9\r\nContent-Length: 2\r\n\r\nok',
          'latin1',
        ),
      )
      const gateway = await GatewayProcess.start(
        test,
        `{ version: 1, listeners: [{ name: main, bind: '127.0.0.1:0', engine: ${road.engine} }], upstreams: { up: { transport: ${road.transport}, endpoints: [{ url: '${upstream.url}' }] } }, routes: [{ name: all, upstream: up }] }`,
      )
      const response = await (await RawClient.connect(test, gateway.port('main'))).get('/')
      assert.equal(response.body.toString(), 'ok')
      assert.equal(response.header('x-private'), '')
      assert.equal(response.header('x-latin'), '\xe9')
      assert.deepEqual(
        response.headers.filter((_, i) => response.headers[i - 1] === 'set-cookie'),
        ['a=1', 'b=2'],
      )
    })

    it('drains: serves what is in flight, refuses nothing half, ends with 0', async (test) => {
      const upstream = await startHttpUpstream(test, (request, response) => {
        request.resume()
        if (request.url === '/slow') release.push(() => response.end('late'))
        else response.end('fast')
        upstream.wake()
      })
      const release: (() => void)[] = []
      const gateway = await GatewayProcess.start(
        test,
        `{ version: 1, listeners: [{ name: main, bind: '127.0.0.1:0', engine: ${road.engine} }], upstreams: { up: { transport: ${road.transport}, endpoints: [{ url: '${upstream.url}' }] } }, routes: [{ name: all, upstream: up }] }`,
      )
      const client = await RawClient.connect(test, gateway.port('main'))
      client.send('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n')
      await upstream.until(() => release.length === 1, 'the slow request')
      gateway.signal('SIGTERM')
      await gateway.waitForLog(({ msg }) => msg === 'draining')
      release[0]!()
      const response = await client.response()
      assert.deepEqual([response.body.toString(), response.header('connection')], ['late', 'close'])
      await client.ended()
      await gateway.waitForLog(({ msg }) => msg === 'stopped')
      assert.equal(await gateway.stop(), 0)
    })
  })
}

for (const road of ROADS) {
  describe(`weights on ${road.name}`, () => {
    it('shares requests among endpoints and splits exactly as the weights say', async (test) => {
      const names = ['a', 'b', 'c'] as const
      const upstreams = await Promise.all(
        names.map((name) => startHttpUpstream(test, (_, response) => void response.end(name))),
      )
      const [a, b, c] = upstreams.map(({ url }) => url)
      const gateway = await GatewayProcess.start(
        test,
        `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0', engine: ${road.engine} }]
upstreams:
  pair: { transport: ${road.transport}, endpoints: [{ url: '${a}', weight: 3 }, { url: '${b}' }] }
  canary: { transport: ${road.transport}, endpoints: [{ url: '${c}' }] }
routes:
  - { name: pair, match: { path: /pair }, upstream: pair }
  - { name: split, match: { path: /split }, split: [{ upstream: canary, weight: 1 }, { upstream: pair, weight: 4 }] }
  - { name: none, match: { path: /none }, split: [{ upstream: canary, weight: 0 }, { upstream: pair, weight: 1 }] }`,
      )
      const client = await RawClient.connect(test, gateway.port('main'))
      const count = async (path: string, times: number): Promise<Record<string, number>> => {
        const counts: Record<string, number> = {}
        for (let i = 0; i < times; i++) {
          const name = (await client.get(path)).body.toString()
          counts[name] = (counts[name] ?? 0) + 1
        }
        return counts
      }
      assert.deepEqual(await count('/pair', 40), { a: 30, b: 10 })
      assert.deepEqual(await count('/split', 50), { a: 30, b: 10, c: 10 })
      assert.equal((await count('/none', 20))['c'], undefined)
    })
  })
}
