// An upstream that attacks the other clients of the gateway: none ever gets a byte that was not meant for it, none waits
// longer than the timeouts say, and a cut body never looks whole. The paths of honest requests are unique, and the
// upstream answers with the path: a mix-up shows.
import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { ENGINES, GatewayProcess, type Engine } from '../lab/gateway.ts'
import { RawClient } from '../lab/raw-client.ts'
import { startRawUpstream, type Upstream } from '../lab/upstreams.ts'

const OK = 'HTTP/1.1 200 OK\r\n'
const STOLEN = `${OK}Content-Length: 6\r\n\r\nstolen`
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`

/** ms; the limit of a whole exchange, and what a busy test machine adds to it. */
const TOTAL = 1500
const GRACE = 8000

interface Attack {
  readonly what: string
  readonly method?: 'HEAD'
  readonly answer: (socket: Socket) => void
  /** The body that the attacker's own client may get; without one it gets an error or a cut. */
  readonly body?: string
}

function write(text: string): (socket: Socket) => void {
  return (socket) => void socket.write(text, 'latin1')
}

function end(text: string): (socket: Socket) => void {
  return (socket) => void socket.end(text, 'latin1')
}

/** Writes `first`, then `again` every few ms for as long as anybody listens. */
function drip(first: string, again: string): (socket: Socket) => void {
  return (socket) => {
    socket.write(first, 'latin1')
    const timer = setInterval(() => socket.write(again, 'latin1'), 5)
    socket.on('close', () => clearInterval(timer))
  }
}

const ATTACKS: readonly Attack[] = [
  { what: 'a second reply behind the first', answer: write(`${OK}Content-Length: 2\r\n\r\nok${STOLEN}`), body: 'ok' },
  { what: 'a reply behind a chunked one', answer: write(`${CHUNKED}2\r\nok\r\n0\r\n\r\n${STOLEN}`), body: 'ok' },
  { what: 'a reply behind a 204', answer: write(`HTTP/1.1 204 No Content\r\n\r\n${STOLEN}`), body: '' },
  { what: 'a reply behind a 304', answer: write(`HTTP/1.1 304 Not Modified\r\n\r\n${STOLEN}`), body: '' },
  {
    what: 'a body for HEAD',
    method: 'HEAD',
    answer: write(`${OK}Content-Length: ${STOLEN.length}\r\n\r\n${STOLEN}`),
    body: '',
  },
  { what: 'a reply behind an empty one', answer: write(`${OK}Content-Length: 0\r\n\r\n${STOLEN}`), body: '' },
  {
    what: 'a 100 behind the reply',
    answer: write(`${OK}Content-Length: 2\r\n\r\nokHTTP/1.1 100 Continue\r\n\r\n`),
    body: 'ok',
  },
  {
    what: 'a 103 before and behind',
    answer: write(
      `HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n${OK}Content-Length: 2\r\n\r\nokHTTP/1.1 103 Early Hints\r\n\r\n`,
    ),
    body: 'ok',
  },
  {
    what: 'a 101',
    answer: write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n${STOLEN}`),
  },
  { what: 'a flood of 103', answer: write(`HTTP/1.1 103 Early Hints\r\n\r\n`.repeat(1000) + STOLEN) },
  {
    what: 'two content-lengths',
    answer: write(`${OK}Content-Length: 2\r\nContent-Length: ${2 + STOLEN.length}\r\n\r\nok${STOLEN}`),
  },
  { what: 'a list of lengths', answer: write(`${OK}Content-Length: 2, ${2 + STOLEN.length}\r\n\r\nok${STOLEN}`) },
  { what: 'a negative length', answer: write(`${OK}Content-Length: -2\r\n\r\nok${STOLEN}`) },
  {
    what: 'a length beyond all numbers',
    answer: write(`${OK}Content-Length: 99999999999999999999\r\n\r\nok${STOLEN}`),
  },
  {
    what: 'a length and chunked',
    answer: write(`${OK}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n${STOLEN}`),
  },
  { what: 'an unknown coding', answer: write(`${OK}Transfer-Encoding: xchunked\r\n\r\n2\r\nok\r\n0\r\n\r\n${STOLEN}`) },
  { what: 'an oversized chunk', answer: write(`${CHUNKED}FFFFFFFFFFFFFFFFF\r\nok\r\n0\r\n\r\n${STOLEN}`) },
  { what: 'a negative chunk', answer: write(`${CHUNKED}-2\r\nok\r\n0\r\n\r\n${STOLEN}`) },
  { what: 'a chunk longer than its size', answer: write(`${CHUNKED}2\r\nokok\r\n0\r\n\r\n${STOLEN}`) },
  { what: 'a bare line feed in a chunk', answer: write(`${CHUNKED}2\nok\r\n0\r\n\r\n${STOLEN}`) },
  { what: 'an endless chunk extension', answer: drip(`${CHUNKED}2;a=`, 'a'.repeat(1000)) },
  { what: 'endless trailers', answer: drip(`${CHUNKED}2\r\nok\r\n0\r\n`, 'X-Trailer: x\r\n'.repeat(50)) },
  { what: 'a header split in two', answer: write(`${OK}X-A: b\r\n\r\nContent-Length: 2\r\n\r\nok`) },
  { what: 'a NUL in a header', answer: write(`${OK}X-A: b\0c\r\nContent-Length: 2\r\n\r\nok`) },
  { what: 'a folded header', answer: write(`${OK}X-A: b\r\n Content-Length: 2\r\n\r\nok${STOLEN}`) },
  { what: 'white space before a colon', answer: write(`${OK}Content-Length : 2\r\n\r\nok${STOLEN}`) },
  { what: 'an early close', answer: end(`${OK}Content-Length: 9\r\n\r\nabc`) },
  { what: 'an early close of a chunked body', answer: end(`${CHUNKED}9\r\nabc`) },
  { what: 'a close inside the head', answer: end(`${OK}Content-Len`) },
  { what: 'a head without end', answer: drip(OK, 'X-Again: and again\r\n') },
  { what: 'a status line without end', answer: drip('HTTP/1.1 200 ', 'O') },
  { what: 'a head of drips', answer: drip('H', 'T') },
  { what: 'a body of drips', answer: drip(`${OK}Content-Length: 1000000\r\n\r\n`, 'x') },
  { what: 'a body of drips that ends with the connection', answer: drip(`${OK}\r\n`, 'x') },
  { what: 'a chunked body of drips', answer: drip(CHUNKED, '1\r\nx\r\n') },
  { what: 'a flood of 103 in drips', answer: drip('', 'HTTP/1.1 103 Early Hints\r\n\r\n') },
]

interface Laboratory {
  readonly gateway: GatewayProcess
  readonly upstream: Upstream
}

async function laboratory(test: TestContext, engine: Engine, more = ''): Promise<Laboratory> {
  const upstream = await startRawUpstream(test, (socket, { head }) => {
    const path = /^\w+ (\S+)/.exec(head)![1]!
    const attack = /^\/attack\/(\d+)$/.exec(path)
    if (attack !== null) ATTACKS[Number(attack[1])]!.answer(socket)
    else socket.write(`${OK}Content-Length: ${path.length}\r\n\r\n${path}`)
  })
  const gateway = await GatewayProcess.start(
    test,
    `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0', engine: ${engine} }]
upstreams:
  up: { transport: wire, endpoints: [{ url: '${upstream.url}' }], timeouts: { connect: 1s, response: 1s, idle: 1s, total: ${TOTAL}ms }${more} }
routes: [{ name: all, upstream: up }]`,
  )
  return { gateway, upstream }
}

/** The attacker's own client: it gets what the attack may give it, in time. */
async function meet(test: TestContext, port: number, index: number): Promise<void> {
  const { what, method = 'GET', body } = ATTACKS[index]!
  const start = performance.now()
  const client = await RawClient.connect(test, port)
  client.send(`${method} /attack/${index} HTTP/1.1\r\nHost: test\r\n\r\n`)
  const response = await client.response(method).catch((error: unknown) => String(error))
  const took = performance.now() - start
  assert.ok(took < TOTAL + GRACE, `${what}: ${took} ms`)
  client.socket.destroy()
  if (typeof response === 'string') {
    assert.equal(body, undefined, `${what}: ${response}`)
    assert.match(response, /cut|before a head/, what)
    return
  }
  if (body === undefined) {
    assert.ok(
      response.status === 502 || response.status === 504,
      `${what}: ${response.status} ${response.body.toString()}`,
    )
  } else {
    assert.ok(response.status < 400, `${what}: ${response.status}`)
    assert.equal(response.body.toString(), body, what)
  }
  assert.ok(!response.body.includes('stolen'), what)
}

let honest = 0

async function behave(client: RawClient): Promise<void> {
  const path = `/honest/${++honest}`
  const response = await client.get(path)
  assert.deepEqual([response.status, response.body.toString()], [200, path])
}

for (const engine of ENGINES) {
  describe(`a hostile upstream on ${engine}`, () => {
    it('harms nobody but its own client, one attack after the other', async (test) => {
      const { gateway, upstream } = await laboratory(test, engine)
      const port = gateway.port('main')
      const bystander = await RawClient.connect(test, port)
      for (const index of ATTACKS.keys()) {
        await meet(test, port, index)
        for (let i = 0; i < 3; i++) await behave(bystander)
      }
      await upstream.until(() => upstream.sockets.size <= 1, 'attacked connections to be closed')
    })

    it('harms nobody under load', async (test) => {
      const { gateway, upstream } = await laboratory(test, engine)
      const port = gateway.port('main')
      const attack = { over: false }
      const bystanders = Array.from({ length: 16 }, async () => {
        const client = await RawClient.connect(test, port)
        for (let i = 0; i < 20 || (!attack.over && i < 20_000); i++) await behave(client)
      })
      const attacks = Array.from({ length: 4 }, () => [...ATTACKS.keys()]).flat()
      await Promise.all(attacks.map((index) => meet(test, port, index)))
      attack.over = true
      await Promise.all(bystanders)
      await upstream.until(() => upstream.sockets.size <= 16, 'attacked connections to be closed')
      assert.ok(gateway.running)
    })

    it('has its connection closed when it speaks unasked', async (test) => {
      const { gateway, upstream } = await laboratory(test, engine)
      const client = await RawClient.connect(test, gateway.port('main'))
      for (const unasked of [STOLEN, 'HTTP/1.1 100 Continue\r\n\r\n', '\r\n', 'x']) {
        await behave(client)
        const [socket] = upstream.sockets
        assert.equal(upstream.sockets.size, 1)
        socket!.write(unasked)
        await upstream.until(
          () => upstream.sockets.size === 0,
          `the connection to be closed after ${JSON.stringify(unasked)}`,
        )
      }
      await behave(client)
    })

    it('loses no honest request when pipelined connections die', async (test) => {
      let answered = 0
      const upstream = await startRawUpstream(test, (socket, { head }) => {
        if (!socket.writable) return // what came behind the end is not answered
        const path = /^\w+ (\S+)/.exec(head)![1]!
        const last = ++answered % 5 === 0
        const reply = `${OK}${last ? 'Connection: close\r\n' : ''}Content-Length: ${path.length}\r\n\r\n${path}`
        if (last) socket.end(reply)
        else socket.write(reply)
      })
      const gateway = await GatewayProcess.start(
        test,
        `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0', engine: ${engine} }]
upstreams: { up: { pipelining: 8, connections: { max: 4 }, endpoints: [{ url: '${upstream.url}' }] } }
routes: [{ name: all, upstream: up }]`,
      )
      await Promise.all(
        Array.from({ length: 16 }, async () => {
          const client = await RawClient.connect(test, gateway.port('main'))
          for (let i = 0; i < 100; i++) await behave(client)
        }),
      )
      assert.ok(upstream.sockets.size <= 4)
    })

    it('is given up by pipelined requests when it stalls, and clients that leave disturb no other', async (test) => {
      const { gateway, upstream } = await laboratory(test, engine, ', pipelining: 8, connections: { max: 2 }')
      const port = gateway.port('main')
      const stalls = ATTACKS.findIndex(({ what }) => what === 'a body of drips')
      await Promise.all(
        Array.from({ length: 8 }, async (_, number) => {
          for (let i = 0; i < 10; i++) {
            const client = await RawClient.connect(test, port)
            if (number > 1) {
              // Behind an attack a request may wait until its time is over, but it gets nobody else's reply.
              const path = `/honest/${++honest}`
              const response = await client.get(path)
              if (response.status === 200) assert.equal(response.body.toString(), path)
              else assert.ok(response.status === 504 || response.status === 503, `${response.status}`)
            } else {
              client.send(`GET /attack/${stalls} HTTP/1.1\r\nHost: test\r\n\r\n`)
              await new Promise((resolve) => client.socket.once('data', resolve).once('close', resolve))
            }
            client.socket.destroy()
          }
        }),
      )
      await behave(await RawClient.connect(test, port))
      await upstream.until(() => upstream.sockets.size <= 2, 'attacked connections to be closed')
    })
  })
}
