// Clients that read late or slowly, or send and read at once: every byte is right, and nothing is lost or stands still
// when a buffer on the way is full. On both engines and both transports.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { RequestListener } from 'node:http'
import { describe, it, type TestContext } from 'node:test'
import { ENGINES, GatewayProcess, ROADS, type Road } from '../lab/gateway.ts'
import { bodyLab, chunked, sha256, type BodyLab } from '../lab/bodies.ts'
import { RawClient } from '../lab/raw-client.ts'
import { echo } from '../lab/upstreams.ts'

const MIB = 1024 * 1024

/** Answers /SIZE with that many bytes, each block of 8 with its own number, /text with a string. */
const SIZED = `
import { definePlugin, Type } from 'sluice/plugin'
export default definePlugin({
  name: 'sized', phase: 'access', schema: Type.Object({}, { additionalProperties: false }),
  compile: () => (x) => {
    const [, kind, size, head] = x.path.split('/')
    const body = Buffer.alloc(Number(size))
    for (let at = 0; at + 8 <= body.length; at += 8) body.write((at + 10_000_000).toString(), at, 'latin1')
    const headers = head === undefined ? [] : ['x-long', 'b'.repeat(Number(head)), 'x-more', 'c'.repeat(Number(head))]
    return x.respond(200, headers, kind === 'text' ? body.toString('latin1') : body)
  },
})
`

function sized(size: number): Buffer {
  const body = Buffer.alloc(size)
  for (let at = 0; at + 8 <= size; at += 8) body.write((at + 10_000_000).toString(), at, 'latin1')
  return body
}

function laboratory(test: TestContext, road: Road, answer: RequestListener): Promise<BodyLab> {
  return bodyLab(test, road, answer, { timeouts: 'idle: 5s, response: 30s' })
}

/** A gateway whose replies are all its own. */
async function ownReplies(test: TestContext, engine: string) {
  const gateway = await GatewayProcess.start(
    test,
    `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0', engine: ${engine} }]
pluginDirectories: [./mine]
plugins: { sized: {} }
routes: [{ name: all, respond: { status: 404 } }]
`,
    { files: { 'mine/sized.ts': SIZED } },
  )
  return () => RawClient.connect(test, gateway.port('main'))
}

/** Reads a little at a time. */
function readSlowly({ socket }: RawClient): void {
  socket.on('data', () => {
    socket.pause()
    setTimeout(() => socket.resume(), 1)
  })
}

for (const road of ROADS) {
  describe(`slow clients on ${road.name}`, () => {
    it('send and read chunked bodies at once, many together', async (test) => {
      const { connect } = await laboratory(test, road, echo)
      const one = async (size: number): Promise<void> => {
        const body = randomBytes(size)
        const client = await connect()
        readSlowly(client)
        client.send('PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n')
        client.send(chunked(body, 40_000))
        assert.equal(sha256((await client.response('PUT')).body), sha256(body))
      }
      await Promise.all(Array.from({ length: 12 }, (_, i) => one(3 * MIB + i * 1234)))
    })

    it('get replies that were there long before they read', async (test) => {
      const body = randomBytes(12 * MIB)
      const { connect } = await laboratory(test, road, (request, response) => {
        if (request.url === '/known') response.setHeader('content-length', body.length)
        // Chunks of many sizes, so that buffers fill up at every offset.
        let at = 0
        let size = 1
        const more = (): void => {
          while (at < body.length) {
            const chunk = body.subarray(at, at + size)
            at += size
            size = ((size * 7) % 40_009) + 1
            if (!response.write(chunk)) return void response.once('drain', more)
          }
          response.end()
        }
        more()
      })
      const one = async (target: string): Promise<void> => {
        const client = await connect()
        client.socket.pause()
        client.send(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`)
        await new Promise((resolve) => setTimeout(resolve, 300)) // every buffer on the way fills up meanwhile
        readSlowly(client)
        client.socket.resume()
        assert.equal(sha256((await client.response()).body), sha256(body), target)
      }
      await Promise.all(['/known', '/chunked', '/known', '/chunked'].map(one))
    })
  })
}

for (const engine of ENGINES) {
  describe(`slow clients of replies by the gateway itself, on ${engine}`, () => {
    it('get large ones whole, and the next on the same connection', async (test) => {
      const connect = await ownReplies(test, engine)
      for (const kind of ['text', 'bytes']) {
        const client = await connect()
        for (const size of [16_000, 16_384, 100_000, 16 * MIB, 17]) {
          client.socket.pause()
          client.send(`GET /${kind}/${size} HTTP/1.1\r\nHost: a\r\n\r\n`)
          await new Promise((resolve) => setTimeout(resolve, 50))
          client.socket.resume()
          const { status, body } = await client.response()
          assert.equal(status, 200)
          assert.ok(body.equals(sized(size)), `${kind} of ${size}`)
        }
        const last = await client.get(`/${kind}/5000000`, 'Connection: close\r\n')
        assert.ok(last.body.equals(sized(5_000_000)))
        assert.equal(await client.ended(), 'end')
      }
    })

    it('get heads larger than 16 KiB', async (test) => {
      const connect = await ownReplies(test, engine)
      const client = await connect()
      for (const size of [0, 10, 100_000]) {
        const { headers, body } = await client.get(`/bytes/${size}/17000`)
        assert.equal(headers.filter((text) => text.length === 17_000).length, 2)
        assert.ok(body.equals(sized(size)))
      }
    })

    it('get all of them, in order, when they send some requests before they read', async (test) => {
      const connect = await ownReplies(test, engine)
      for (const size of [1000, 16_200, 100_000]) {
        const client = await connect()
        client.socket.pause()
        client.send(`GET /bytes/${size} HTTP/1.1\r\nHost: a\r\n\r\n`.repeat(5))
        await new Promise((resolve) => setTimeout(resolve, 50))
        client.socket.resume()
        for (let i = 0; i < 5; i++) assert.ok((await client.response()).body.equals(sized(size)), `${i} of ${size}`)
      }
    })

    it('get nothing wrong when they send more requests than the buffers hold replies', async (test) => {
      const connect = await ownReplies(test, engine)
      const one = async (size: number): Promise<void> => {
        const client = await connect()
        client.socket.pause()
        const count = Math.ceil((10 * MIB) / size)
        for (let i = 0; i < count; i++) {
          client.send(`GET /bytes/${size} HTTP/1.1\r\nHost: a\r\n\r\n`)
          await new Promise((resolve) => setImmediate(resolve))
        }
        client.socket.resume()
        try {
          for (let i = 0; i < count; i++) assert.ok((await client.response()).body.equals(sized(size)), `${size}`)
        } catch (error) {
          // uWS closes when a request comes while a reply is due (docs/security.md): cut, but never wrong.
          assert.equal(engine, 'uws')
          assert.match((error as Error).message, /the connection ended|the body was cut/)
          const rest = client.received
          const head = rest.indexOf('\r\n\r\n')
          const body = rest.subarray(head >= 0 && rest.includes('HTTP/1.1 ') ? head + 4 : 0)
          if (head >= 0 || body.length > 200) assert.ok(sized(size).subarray(0, body.length).equals(body))
        }
      }
      await Promise.all([5000, 16_500, 20_000, 33_333, 60_000, 100_000, 250_000].map(one))
    })
  })
}

it('uploads that had to wait at their end get an answer that takes its time', async (test) => {
  // The upstream reads late, so that the client is paused when it has sent everything; then it thinks for longer than
  // the timeout of uWS for a connection on which nothing moves.
  const answer: RequestListener = (request, response) => {
    setTimeout(() => request.resume(), 300)
    request.on('end', () => setTimeout(() => response.end('done'), 12_500))
  }
  const one = async (road: Road): Promise<void> => {
    const { connect } = await laboratory(test, road, answer)
    const upload = async (size: number): Promise<void> => {
      const client = await connect()
      client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n`)
      client.send(Buffer.alloc(size))
      const { body } = await client.response('POST')
      assert.equal(body.toString(), 'done', `${size} bytes on ${road.name}`)
    }
    await Promise.all([1, 2, 3, 4, 5, 6, 8, 10, 12].map((mib) => upload(mib * MIB + 1)))
  }
  await Promise.all(ROADS.filter(({ engine }) => engine === 'uws').map(one))
})
