// Tries that overlap, come late or are given up: nothing of one may show in another, and nothing is left of any.
import assert from 'node:assert/strict'
import { createServer, type Socket } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { GatewayProcess, ROADS, type Road } from '../lab/gateway.ts'
import { codeOf, endpoints, nameOf, ResilienceLab as Lab, yaml } from '../lab/resilience.ts'
import { echoWhole, startHttpUpstream, Upstream } from '../lab/upstreams.ts'
import { RawClient } from '../lab/raw-client.ts'

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'

/** Answers the first request of each connection; at the second the connection is reset. */
async function onceOnly(test: TestContext): Promise<Upstream> {
  const server = createServer((socket: Socket) => {
    let requests = 0
    socket.on('data', () => (requests++ === 0 ? socket.write(OK) : socket.resetAndDestroy()))
  })
  return Upstream.start(test, server)
}

async function nothingLeft(lab: Lab): Promise<void> {
  await lab.until(({ inFlight, pending }) => inFlight === 0 && pending === 0, 'nothing to be left')
}

const HOLD = `import { definePlugin, NEXT, Type } from 'sluice/plugin'
export default definePlugin({
  name: 'hold',
  schema: Type.Object({}),
  compile: () => ({
    access(x) {
      x.setResponseHeader('x-access', 'kept')
      return NEXT
    },
    async response(x) {
      if (x.path === '/held') await new Promise((resolve) => setTimeout(resolve, 300))
      x.addResponseHeader('x-seen', String(x.status))
    },
  }),
})
`

/** With a plugin that holds back the heads of replies for /held, and says which statuses it has seen. */
async function withPlugin(test: TestContext, urls: readonly string[], road: Road, policy: string): Promise<Lab> {
  const before = 'pluginDirectories: [./mine]\nplugins: { hold: {} }'
  const files = { 'mine/hold.ts': HOLD }
  const gateway = await GatewayProcess.start(test, yaml(urls, { road, policy, before }), { files })
  return new Lab(test, gateway, await RawClient.connect(test, gateway.port('main')))
}

for (const road of ROADS) {
  describe(`tries on ${road.name}`, () => {
    it('the hedge of one upstream is not asked of its fallback', async (test) => {
      const [a, b, c] = await endpoints(test, 3)
      await a!.become({ kind: 'reset', at: 'start' })
      for (const endpoint of [b!, c!]) await endpoint.become({ kind: 'slow', from: 400 })
      const policy = `hedge: { after: 100ms, budget: 100% }
retries: { attempts: 3, on: [reset], backoff: 1ms, budget: 100% }
breaker: { minimum: 1, failures: 1%, open: 60s }
fallback: { upstream: other }`
      const more = `other: { endpoints: [{ url: '${b!.url}' }, { url: '${c!.url}' }], transport: ${road.transport} }`
      const lab = await Lab.start(test, [a!.url], { road, policy, more })
      assert.equal((await lab.client.get('/')).status, 200)
      assert.equal(b!.requests.arrived + c!.requests.arrived, 1, 'the fallback does not hedge')
      await nothingLeft(lab)
    })

    it('a stale connection is no failure of a later try either', async (test) => {
      const [a] = await endpoints(test, 1)
      const b = await onceOnly(test)
      const lab = await Lab.start(test, [a!.url, b.url], { road, policy: 'retries: { attempts: 1, budget: 100% }' })
      for (let i = 0; i < 2; i++) assert.equal((await lab.client.get('/')).status, 200)
      await a!.become({ kind: 'refuse' })
      for (let i = 0; i < 6; i++) assert.equal((await lab.client.get('/')).body.toString(), 'ok')
      await nothingLeft(lab)
    })

    it('a reply that breaks while plugins look at its head is not asked for again', async (test) => {
      let requests = 0
      const server = createServer((socket: Socket) => {
        socket.on('error', () => {})
        socket.on('data', () => {
          if (requests++ === 0)
            socket.write(OK.replace(': 2', ': 9'), () => setTimeout(() => socket.resetAndDestroy(), 50))
          else socket.write(OK)
        })
      })
      const upstream = await Upstream.start(test, server)
      const lab = await withPlugin(test, [upstream.url], road, 'retries: { attempts: 2, budget: 100% }')
      // Either the break is seen at once, or when the body is read: then its head is out.
      const response = await lab.client.get('/held').catch(() => null)
      if (response !== null) assert.equal(response.status, 502)
      assert.equal(requests, 1)
      await nothingLeft(lab)
    })

    it('what plugins said before the reply stays, what was in a dropped reply goes', async (test) => {
      let requests = 0
      const dropped = OK.replace('200 OK', '503 No').replace('\r\n\r\n', '\r\nx-dropped: 1\r\n\r\n')
      const server = createServer((socket: Socket) => {
        socket.on('error', () => {})
        socket.on('data', (head) => {
          const isHead = head.toString('latin1').startsWith('HEAD')
          const reply = requests++ % 2 === 0 ? dropped : OK
          socket.write(isHead ? reply.slice(0, -2) : reply)
        })
      })
      const upstream = await Upstream.start(test, server)
      const policy = 'retries: { attempts: 1, on: [503], budget: 100%, backoff: 1ms }'
      const lab = await withPlugin(test, [upstream.url], road, policy)
      for (const method of ['GET', 'HEAD', 'GET']) {
        lab.client.send(`${method} / HTTP/1.1\r\nHost: a\r\n\r\n`)
        const response = await lab.client.response(method)
        assert.equal(response.status, 200)
        const fields = ['x-access', 'x-seen', 'x-dropped'].map((name) => response.header(name))
        assert.deepEqual(fields, ['kept', '200', ''])
      }
      await nothingLeft(lab)
    })

    it('no byte of an upload is lost when its connection was stale', async (test) => {
      const held: Socket[] = []
      const answers: (() => void)[] = []
      const upstream = await startHttpUpstream(test, (request, response) => {
        if (request.url === '/hold') answers.push(() => response.end('x'))
        else if (request.method === 'GET') {
          held.push(request.socket)
          response.end('x')
        } else echoWhole(request, response)
      })
      // One connection: the upload has to wait for the next.
      const lab = await Lab.start(test, [upstream.url], { road, policy: 'connections: { max: 1 }' })
      assert.equal((await lab.client.get('/')).status, 200)
      const upload = await lab.connect()
      upload.send('PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n')
      await lab.until(({ inFlight }) => inFlight === 1, 'the upload to be on its way')
      const other = await lab.connect()
      other.send('GET /hold HTTP/1.1\r\nHost: a\r\n\r\n')
      await lab.until(({ inFlight }) => inFlight === 2, 'another request to be in line')
      held[0]!.destroy()
      await upstream.until(() => upstream.seen.some(({ target }) => target === '/hold'), 'the other request')
      upload.send('5\r\nfirst\r\n')
      // A request from here to there and back: the gateway has the chunk by then.
      await lab.report()
      answers[0]!()
      assert.equal((await other.response()).status, 200)
      upload.send('6\r\nsecond\r\n0\r\n\r\n')
      const response = await upload.response('PUT')
      assert.deepEqual([response.status, response.body.toString()], [200, 'firstsecond'])
      await nothingLeft(lab)
    })

    it('the time of one try does not count what the client took for its upload', async (test) => {
      const [a] = await endpoints(test, 1)
      const policy = 'retries: { attempts: 1, on: [reset], perTry: 200ms }'
      const lab = await Lab.start(test, [a!.url], { road, policy })
      const upload = await lab.connect()
      upload.send('PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab')
      await lab.until(({ inFlight, pending }) => inFlight === 1 && pending === 0, 'the upload to be on its way')
      await a!.become({ kind: 'stall' })
      assert.equal((await lab.client.get('/')).status, 504, 'after the time of one try')
      await a!.become({ kind: 'slow', from: 60 })
      upload.send('cd')
      assert.equal((await upload.response('PUT')).status, 200)
      await nothingLeft(lab)
    })

    it('a second request that has no connection yet takes the place of the first', async (test) => {
      const [a, b] = await endpoints(test, 2)
      await a!.become({ kind: 'stall' })
      await b!.become({ kind: 'blackhole' })
      const policy = `hedge: { after: 50ms, budget: 100% }
retries: { attempts: 0 }
timeouts: { response: 200ms, connect: 300ms }`
      const lab = await Lab.start(test, [a!.url, b!.url], { road, policy })
      const codes = new Set<string>()
      for (let i = 0; i < 4; i++) codes.add(codeOf(await lab.client.get('/')))
      assert.ok(codes.has('SLUICE_UPSTREAM_CONNECT_TIMEOUT'), [...codes].join())
      await nothingLeft(lab)
    })

    it('clients that go at any moment leave nothing behind', async (test) => {
      const [a, b, c] = await endpoints(test, 3)
      const policy = `hedge: { after: 20ms, budget: 100% }
retries: { attempts: 3, on: [connect-failure, reset, timeout, 503], perTry: 60ms, backoff: 40ms, budget: 100% }
breaker: { window: 1s, minimum: 3, failures: 50%, open: 50ms, probes: 1 }
slowStart: 0s`
      const lab = await Lab.start(
        test,
        [a!, b!, c!].map(({ url }) => url),
        { road, policy },
      )
      await a!.become({ kind: 'stall' })
      await b!.become({ kind: 'drip', part: 'body', every: 20 })
      await c!.become({ kind: 'errors' })
      const clients = await Promise.all(Array.from({ length: 40 }, () => lab.connect()))
      await Promise.all(
        clients.map(async (client, i) => {
          client.send(
            i % 3 === 0
              ? 'PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab'
              : 'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
          )
          // Every five ms another goes.
          await new Promise((resolve) => setTimeout(resolve, i * 5))
          client.socket.resetAndDestroy()
        }),
      )
      await nothingLeft(lab)
      for (const endpoint of [a!, b!, c!]) await endpoint.become({ kind: 'healthy' })
      for (let i = 0; i < 3; i++) {
        await lab.until(({ breaker }) => breaker!.state !== 'open', 'the breaker to ask again')
        await lab.client.get('/')
      }
      await lab.until(({ breaker }) => breaker!.state === 'closed', 'the breaker to close')
      assert.match(nameOf(await lab.client.get('/')), /[abc]/)
    })
  })
}
