// One GiB up and one GiB down, with a slow reader on the far side: checksum, and how far the gateway's memory grows.
//   scripts/bench soak/bodies
import { createHash, randomBytes } from 'node:crypto'
import { createServer, request, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Gateway, mib } from '../lab.ts'

const GIB = 1024 ** 3
const BLOCK = randomBytes(1024 * 1024)
/** Each MiB that is read costs the slow reader this many ms: a GiB takes about ten seconds. */
const PAUSE = 8

function* blocks(): Generator<Buffer> {
  const block = Buffer.from(BLOCK)
  for (let i = 0; i < GIB / BLOCK.length; i++) {
    block.writeUInt32BE(i, 0)
    yield Buffer.from(block)
  }
}

function digest(): string {
  const hash = createHash('sha256')
  for (const block of blocks()) hash.update(block)
  return hash.digest('hex')
}

async function readSlowly(stream: IncomingMessage): Promise<string> {
  const hash = createHash('sha256')
  let sinceRest = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    hash.update(chunk)
    sinceRest += chunk.length
    if (sinceRest < BLOCK.length) continue
    sinceRest = 0
    await new Promise((resolve) => setTimeout(resolve, PAUSE))
  }
  return hash.digest('hex')
}

async function write(stream: NodeJS.WritableStream): Promise<void> {
  for (const block of blocks()) if (!stream.write(block)) await new Promise((resolve) => stream.once('drain', resolve))
  stream.end()
}

const upstream = createServer((incoming, response) => {
  if (incoming.method === 'GET') {
    if (incoming.url === '/known') response.setHeader('content-length', GIB)
    void write(response)
  } else void readSlowly(incoming).then((sha256) => response.end(sha256))
})
await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
const expected = digest()

for (const engine of ['uws', 'node']) {
  const gateway = await Gateway.start(`version: 1
listeners: [{ name: main, bind: '127.0.0.1:0', engine: ${engine} }]
upstreams: { up: { endpoints: [{ url: 'http://127.0.0.1:${(upstream.address() as AddressInfo).port}' }] } }
routes: [{ name: all, upstream: up }]
`)
  const port = gateway.port('main')
  const before = await gateway.kilobytes('VmRSS')
  let most = before
  const watch = setInterval(() => void gateway.kilobytes('VmRSS').then((now) => (most = Math.max(most, now))), 50)
  for (const path of ['/known', '/chunked']) {
    const down = await new Promise<IncomingMessage>((resolve) => request({ port, path }, resolve).end())
    const downDigest = await readSlowly(down)
    const headers = path === '/known' ? { 'content-length': GIB } : {}
    const up = await new Promise<string>((resolve) => {
      const outgoing = request({ port, path, method: 'POST', headers }, (response) => {
        let text = ''
        response.on('data', (chunk) => (text += String(chunk))).on('end', () => resolve(text))
      })
      void write(outgoing)
    })
    console.log(
      `${engine} ${path.slice(1).padEnd(7)}  down ${downDigest === expected ? 'ok' : 'WRONG'}  up ${up === expected ? 'ok' : 'WRONG'}  memory ${mib(before)} -> at most ${mib(most)} (+${mib(most - before)})`,
    )
    if (downDigest !== expected || up !== expected) process.exitCode = 1
  }
  clearInterval(watch)
  await gateway.stop()
}
upstream.closeAllConnections()
upstream.close()
