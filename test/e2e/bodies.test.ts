// Bodies in both directions, of every size and framing, at every pace, on both engines and both transports.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it, type TestContext } from 'node:test'
import { ROADS, type Road } from '../lab/gateway.ts'
import { bodyLab, chunked, sha256 } from '../lab/bodies.ts'
import { echo } from '../lab/upstreams.ts'
import type { RequestListener } from 'node:http'

const MIB = 1024 * 1024

async function laboratory(test: TestContext, road: Road, answer: RequestListener, more = '') {
  const lab = await bodyLab(test, road, answer, { more })
  return { ...lab, client: await lab.connect() }
}

for (const road of ROADS) {
  describe(`bodies on ${road.name}`, () => {
    it('come back as they were sent, for every size and framing', async (test) => {
      const { connect } = await laboratory(test, road, echo)
      for (const size of [0, 1, 100, 65_536, 8 * MIB + 7]) {
        const body = randomBytes(size)
        const known = await connect()
        known.send(`POST /known HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n`)
        known.send(body)
        assert.equal(sha256((await known.response('POST')).body), sha256(body), `known length of ${size}`)
        const unknown = await connect()
        unknown.send('PUT /unknown HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n')
        unknown.send(chunked(body, 40_000))
        assert.equal(sha256((await unknown.response('PUT')).body), sha256(body), `chunked of ${size}`)
      }
    })

    it('of known length keep their length downstream', async (test) => {
      const body = randomBytes(3 * MIB)
      const { client } = await laboratory(test, road, (_, response) => {
        response.setHeader('content-length', body.length)
        response.end(body)
      })
      for (let i = 0; i < 3; i++) {
        const response = await client.get('/')
        assert.equal(response.header('content-length'), String(body.length))
        assert.equal(sha256(response.body), sha256(body))
      }
    })

    it('wait for a slow reader without being gathered in memory', async (test) => {
      const size = 300 * MIB
      const block = randomBytes(MIB)
      const sent = { bytes: 0 }
      const { gateway, client } = await laboratory(test, road, (_, response) => {
        response.setHeader('content-length', size)
        const more = (): void => {
          while (sent.bytes < size) {
            sent.bytes += block.length
            if (!response.write(block)) return void response.once('drain', more)
          }
          response.end()
        }
        more()
      })
      const before = await gateway.memory()
      client.socket.pause()
      client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      // The upstream stops making progress once every buffer on the way is full.
      let last = -1
      while (last !== sent.bytes || sent.bytes === 0) {
        last = sent.bytes
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
      assert.ok(sent.bytes < 64 * MIB, `${sent.bytes} bytes were taken from the upstream`)
      assert.ok((await gateway.memory()) - before < 64 * MIB)
    })

    it('are cancelled at the upstream when the client vanishes while reading', async (test) => {
      const { upstream, client } = await laboratory(test, road, (request, response) => {
        response.writeHead(200, { 'content-length': 1_000_000_000 })
        const timer = setInterval(() => response.write(Buffer.alloc(1000)), 10)
        request.on('close', () => clearInterval(timer))
      })
      client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      await upstream.until(() => upstream.seen.length === 1, 'the request')
      const gone = performance.now()
      client.socket.destroy()
      await upstream.until(() => upstream.sockets.size === 0, 'the cancelled request')
      assert.ok(performance.now() - gone < 1000, 'cancelled within a second')
    })

    it('are cancelled at the upstream when the client vanishes while sending', async (test) => {
      const { upstream, client } = await laboratory(test, road, (request) => void request.resume())
      client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nhalf of it')
      await upstream.until(() => upstream.seen[0]?.bytes === 10, 'the first bytes')
      const gone = performance.now()
      client.socket.destroy()
      await upstream.until(() => upstream.seen[0]!.end === 'cut', 'the cut request')
      assert.ok(performance.now() - gone < 1000, 'cancelled within a second')
    })

    it('are cancelled when the client vanishes before there is a reply', async (test) => {
      const { upstream, client } = await laboratory(test, road, () => {})
      client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      await upstream.until(() => upstream.seen.length === 1, 'the request')
      client.socket.destroy()
      await upstream.until(() => upstream.sockets.size === 0, 'the cancelled request')
    })

    it('reach the upstream at its pace', async (test) => {
      const body = randomBytes(64 * MIB)
      const reading: { go: (() => void) | null } = { go: null }
      const { gateway, upstream, client } = await laboratory(test, road, (request, response) => {
        reading.go = () => {
          request.resume()
          request.on('end', () => response.end('done'))
        }
        upstream.wake()
      })
      const before = await gateway.memory()
      client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`)
      client.send(body)
      await upstream.until(() => reading.go !== null, 'the request')
      // Nothing reads: what the client can get rid of is what the buffers on the way hold.
      let last = -1
      while (last !== client.socket.bytesWritten - client.socket.writableLength) {
        last = client.socket.bytesWritten - client.socket.writableLength
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
      assert.ok((await gateway.memory()) - before < 48 * MIB)
      reading.go!()
      assert.equal((await client.response('POST')).body.toString(), 'done')
      assert.equal(upstream.seen[0]!.sha256, sha256(body))
    })

    it('leave a connection on which the next request is read, however often an upload had to wait', async (test) => {
      const { connect } = await laboratory(test, road, (request, response) => {
        let bytes = 0
        request.on('data', (chunk: Buffer) => {
          bytes += chunk.length
          request.pause()
          setImmediate(() => request.resume())
        })
        request.on('end', () => response.end(String(bytes)))
        request.resume()
      })
      const client = await connect()
      for (let i = 0; i < 4; i++) {
        const body = randomBytes(16 * MIB)
        client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`)
        client.send(body)
        assert.equal((await client.response('POST')).body.toString(), String(body.length))
      }
    })

    it('are limited: announced ones at once, chunked ones when they pass the limit', async (test) => {
      const { connect, upstream } = await laboratory(test, road, echo, 'plugins: { body-limit: { max: 1000B } }')
      const announced = await connect()
      announced.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n${'a'.repeat(1001)}`)
      assert.equal((await announced.response('POST')).status, 413)
      assert.equal((await announced.get('/')).status, 200)
      const fits = await connect()
      fits.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n${'a'.repeat(1000)}`)
      assert.equal((await fits.response('POST')).status, 200)
      const stream = await connect()
      stream.send('POST /stream HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n')
      stream.send(chunked(randomBytes(5000), 100))
      // The echo may have begun its reply: then the connection is cut instead.
      await stream.response('POST').then(
        ({ status }) => assert.equal(status, 413),
        (error: Error) => assert.match(error.message, /cut/),
      )
      await upstream.until(() => upstream.seen.at(-1)!.end !== 'open', 'the upstream to be released')
      assert.ok(upstream.seen.at(-1)!.bytes <= 1000)
    })

    it('need no 100 Continue from the upstream, and get one from the gateway', async (test) => {
      const { upstream, client } = await laboratory(test, road, echo)
      client.send('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n')
      while (!client.received.includes('100 Continue'))
        await new Promise((resolve) => client.socket.once('data', resolve))
      client.send('abc')
      assert.equal((await client.response('POST')).body.toString(), 'abc')
      assert.equal(upstream.seen[0]!.header('expect'), '')
    })

    it('are absent where they must be: HEAD, 204 and 304, and the connection stays usable', async (test) => {
      const { client } = await laboratory(test, road, (request, response) => {
        request.resume()
        if (request.url === '/204') response.writeHead(204)
        else if (request.url === '/304') response.writeHead(304, { etag: '"a"' })
        else response.writeHead(200, { 'content-length': 5 })
        response.end(request.url === '/' && request.method !== 'HEAD' ? 'hello' : undefined)
      })
      for (let i = 0; i < 3; i++) {
        client.send('HEAD / HTTP/1.1\r\nHost: a\r\n\r\n')
        assert.equal((await client.response('HEAD')).header('content-length'), '5')
        assert.equal((await client.get('/')).body.toString(), 'hello')
        const none = await client.get('/204')
        assert.deepEqual([none.status, none.header('content-length'), none.header('transfer-encoding')], [204, '', ''])
        const same = await client.get('/304')
        assert.deepEqual([same.status, same.header('etag')], [304, '"a"'])
      }
      assert.equal(client.received.length, 0)
      const last = await client.get('/204', 'Connection: close\r\n')
      assert.equal(last.header('connection').toLowerCase(), 'close')
      await client.ended()
      assert.equal(client.received.length, 0)
    })
  })
}
