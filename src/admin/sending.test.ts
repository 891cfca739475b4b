import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { describe, it, type TestContext } from 'node:test'
import type { Answer } from './answer.ts'
import { Sender } from './sending.ts'

const LARGE = 4 * 1024 * 1024

async function serve(test: TestContext, sender: Sender, answer: () => Answer) {
  const sent: Promise<void>[] = []
  const server = createServer((_request, response: ServerResponse) => void sent.push(sender.send(response, answer())))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  test.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { port, sent, url: `http://127.0.0.1:${port}/` }
}

describe('sending', () => {
  it('holds so much for clients that do not read, and no more', async (test) => {
    const large = Buffer.alloc(LARGE)
    const { port, sent, url } = await serve(test, new Sender(LARGE + 1000), () => ({ body: large }))
    const lazy = connect(port, '127.0.0.1')
    lazy.pause()
    lazy.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
    lazy.on('error', () => {})
    while (sent.length === 0) await new Promise(setImmediate)
    const refused = await fetch(url)
    assert.deepEqual([refused.status, refused.headers.get('retry-after')], [503, '1'])
    assert.equal(((await refused.json()) as { status: number }).status, 503)
    lazy.destroy()
    await sent[0]
    const served = await fetch(url)
    assert.deepEqual([served.status, (await served.arrayBuffer()).byteLength], [200, LARGE])
  })

  it('cuts a stream that fails, and stops one whose client is gone', async (test) => {
    const streams: Readable[] = []
    let fails = true
    const { url, sent } = await serve(test, new Sender(), () => {
      const source = new Readable({
        read() {
          this.push(Buffer.alloc(1000))
          if (fails) this.destroy(new Error('no more'))
        },
      })
      streams.push(source)
      return { body: source }
    })
    await assert.rejects(async () => (await fetch(url)).arrayBuffer())
    await sent[0]
    fails = false
    const leaving = new AbortController()
    const response = await fetch(url, { signal: leaving.signal })
    assert.equal(response.status, 200)
    leaving.abort()
    await sent[1]
    assert.ok(streams.every(({ destroyed }) => destroyed))
  })

  it('keeps pages from being framed, and anything from being kept', async (test) => {
    const { url } = await serve(test, new Sender(), () => ({ type: 'text/html; charset=utf-8', body: 'page' }))
    const { headers } = await fetch(url)
    assert.match(headers.get('content-security-policy')!, /^default-src 'self'; frame-ancestors 'none'/)
    assert.deepEqual([headers.get('cache-control'), headers.get('x-content-type-options')], ['no-store', 'nosniff'])
  })
})
