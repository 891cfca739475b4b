// A service that decides about requests, over real connections, on both engines.
import assert from 'node:assert/strict'
import type { RequestListener } from 'node:http'
import { describe, it, type TestContext } from 'node:test'
import { ENGINES, GatewayProcess, type Engine } from '../lab/gateway.ts'
import { RawClient } from '../lab/raw-client.ts'
import { refusingPort, report, startHttpUpstream, startRawUpstream } from '../lab/upstreams.ts'

async function laboratory(test: TestContext, engine: Engine, url: string, options = '') {
  const upstream = await startHttpUpstream(test, report)
  const gateway = await GatewayProcess.start(
    test,
    `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0', engine: ${engine} }]
upstreams: { up: { endpoints: [{ url: '${upstream.url}' }] } }
plugins: { forward-auth: { url: '${url}', responseHeaders: [x-user, x-role]${options} } }
routes: [{ name: all, upstream: up }]
`,
  )
  const client = await RawClient.connect(test, gateway.port('main'))
  return { upstream, gateway, client }
}

function forwarded(body: Buffer, name: string): string[] {
  const { headers } = JSON.parse(body.toString()) as { headers: string[] }
  return headers.filter((_, i) => i % 2 === 1 && headers[i - 1] === name)
}

const answer: RequestListener = (request, response) => {
  const token = request.headers.authorization ?? ''
  if (token === 'anna') response.writeHead(200, ['X-User', 'anna', 'X-Role', 'a', 'X-Role', 'b', 'X-Secret', '1'])
  else if (token === '') response.writeHead(302, { location: '/login', 'set-cookie': ['a=1', 'b=2'], server: 'inside' })
  else if (token === 'large') response.writeHead(403, { 'content-type': 'text/plain' }).write('x'.repeat(70_000))
  else if (token === 'broken') response.writeHead(500)
  else response.writeHead(401, { 'www-authenticate': 'Bearer', 'content-type': 'text/plain' }).write('who?')
  response.end()
}

for (const engine of ENGINES) {
  describe(`forward-auth on ${engine}`, () => {
    it('asks about each request, and does what the service says', async (test) => {
      const service = await startHttpUpstream(test, answer)
      const { upstream, client } = await laboratory(test, engine, `${service.url}/check?a=b`)
      const passed = await client.get(
        '/x/../shop?q=1',
        'Authorization: anna\r\nX-User: root\r\nCookie: c=d\r\nX-Other: 1\r\n',
      )
      assert.equal(passed.status, 200)
      assert.deepEqual(
        ['x-user', 'x-role', 'x-secret'].map((name) => forwarded(passed.body, name)),
        [['anna'], ['a', 'b'], []],
      )
      const [question] = service.seen
      assert.deepEqual([question!.method, question!.target], ['GET', '/check?a=b'])
      assert.deepEqual(
        [
          'authorization',
          'cookie',
          'x-other',
          'x-forwarded-method',
          'x-forwarded-proto',
          'x-forwarded-host',
          'x-forwarded-uri',
          'x-forwarded-for',
        ].map((name) => question!.header(name)),
        ['anna', 'c=d', '', 'GET', 'http', 'localhost', '/shop?q=1', '127.0.0.1'],
      )
      const login = await client.get('/shop')
      assert.deepEqual([login.status, login.header('location'), login.header('server')], [302, '/login', ''])
      assert.equal(login.headers.filter((each) => each === 'set-cookie').length, 2)
      const refused = await client.get('/shop', 'Authorization: bert\r\n')
      assert.deepEqual(
        [refused.status, refused.header('www-authenticate'), refused.body.toString()],
        [401, 'Bearer', 'who?'],
      )
      const large = await client.get('/shop', 'Authorization: large\r\n')
      assert.deepEqual([large.status, large.body.length], [403, 0])
      const broken = await client.get('/shop', 'Authorization: broken\r\n')
      assert.equal(broken.status, 503)
      assert.match(broken.body.toString(), /SLUICE_AUTH_UNAVAILABLE/)
      client.send('POST / HTTP/1.1\r\nHost: test\r\nAuthorization: bert\r\nContent-Length: 3\r\n\r\nabc')
      assert.equal((await client.response('POST')).status, 401)
      client.send('POST / HTTP/1.1\r\nHost: test\r\nAuthorization: anna\r\nContent-Length: 3\r\n\r\nabc')
      assert.equal((await client.response('POST')).status, 200)
      const asked = service.seen.length
      const twice = await client.get('/shop', 'Authorization: anna\r\nAuthorization: bert\r\n')
      assert.deepEqual([twice.status, service.seen.length, upstream.seen.length], [400, asked, 2])
    })

    it('is closed when nobody answers, or open if that is wanted; never with a header of the client', async (test) => {
      const nobody = `http://127.0.0.1:${await refusingPort()}`
      const closed = await laboratory(test, engine, nobody)
      assert.equal((await closed.client.get('/')).status, 503)
      const silent = await startRawUpstream(test, () => {})
      const late = await laboratory(test, engine, silent.url, ', timeout: 50ms')
      assert.equal((await late.client.get('/')).status, 503)
      assert.equal((await late.client.get('/')).status, 503)
      const warnings = late.gateway.logs.filter((line) => String(line.msg).includes('no usable answer'))
      assert.equal(warnings.length, 1)
      const open = await laboratory(test, engine, nobody, ', onError: open')
      const passed = await open.client.get('/', 'X-User: root\r\n')
      assert.deepEqual([passed.status, forwarded(passed.body, 'x-user')], [200, []])
    })

    it('bears a service that speaks nonsense, stalls or hangs up', async (test) => {
      const refusal = 'HTTP/1.1 403 No\r\nContent-Length: 10\r\n\r\nabc'
      const replies: (readonly [string, number])[] = [
        ['nonsense\r\n\r\n', 503],
        [`HTTP/1.1 200 OK\r\nX-User: ${'x'.repeat(100_000)}\r\n\r\n`, 503],
        ['HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n', 503],
        [refusal, 403],
        ['HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc', 200],
      ]
      const service = await startRawUpstream(test, (socket, { head }) => {
        const wanted = Number(/x-forwarded-uri: \/(\d+)/i.exec(head)![1])
        socket.write(replies[wanted]![0])
        if (wanted < 3) socket.end()
      })
      const { client } = await laboratory(test, engine, service.url, ', timeout: 300ms')
      for (const [i, [, status]] of replies.entries()) assert.equal((await client.get(`/${i}`)).status, status, `${i}`)
    })

    it('asks once more when a kept connection is closed under it', async (test) => {
      const service = await startRawUpstream(test, (socket, { number }) => {
        if (number === 2) socket.destroy()
        else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
      })
      const { client } = await laboratory(test, engine, service.url)
      assert.deepEqual([(await client.get('/')).status, (await client.get('/')).status], [200, 200])
      assert.equal(service.opened, 2)
    })

    it('keeps permissions, and nothing else, for as long as it is told to', async (test) => {
      const service = await startHttpUpstream(test, answer)
      const cache = ', requestHeaders: [authorization], cache: { ttl: 1h, key: [authorization] }'
      const { client } = await laboratory(test, engine, service.url, cache)
      for (const [target, token, asked] of [
        ['/a', 'anna', 1],
        ['/a', 'anna', 1],
        ['/b', 'anna', 2],
        ['/a?b', 'anna', 3],
        ['/a', 'bert', 4],
        ['/a', 'bert', 5],
      ] as const) {
        const reply = await client.get(target, `Authorization: ${token}\r\nX-User: root\r\n`)
        assert.equal(reply.status, token === 'anna' ? 200 : 401)
        if (token === 'anna') assert.deepEqual(forwarded(reply.body, 'x-user'), ['anna'])
        assert.equal(service.seen.length, asked)
      }
    })
  })
}
