// 200,000 mixed requests, good and bad: afterwards the pools are back to their idle size and memory is flat.
//   scripts/bench soak/mixed [requests]
import { createServer, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'
import { Gateway, mib } from '../lab.ts'
import { Client } from './client.ts'

const REQUESTS = Number(process.argv[2] ?? 200_000)
const CONNECTIONS = 32
const OK = 'HTTP/1.1 200 OK\r\n'

/** Every third request costs the gateway a connection to the upstream, and its port rests for a minute afterwards
 * (TIME_WAIT): one address has 28,000 ports, so the upstream has eight addresses. */
const ADDRESSES = Array.from({ length: 8 }, (_, i) => `127.0.0.${i + 2}`)

const sockets = new Set<Socket>()
const serve = (socket: Socket): void => {
  sockets.add(socket)
  socket.on('close', () => sockets.delete(socket))
  socket.on('error', () => {})
  let received = ''
  socket.on('data', (chunk) => {
    received += chunk.toString('latin1')
    for (let end = received.indexOf('\r\n\r\n'); end >= 0; end = received.indexOf('\r\n\r\n')) {
      const head = received.slice(0, end)
      const length = Number(/content-length: (\d+)/.exec(head)?.[1] ?? 0)
      if (received.length < end + 4 + length) return
      received = received.slice(end + 4 + length)
      answer(socket, /^\w+ (\S+)/.exec(head)![1]!)
    }
  })
}

function answer(socket: Socket, path: string): void {
  if (path === '/reset') socket.resetAndDestroy()
  else if (path === '/short') socket.end(`${OK}Content-Length: 9\r\n\r\nabc`)
  else if (path === '/garbage') socket.write('garbage\r\n\r\n')
  else if (path === '/chunked') socket.write(`${OK}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n`)
  else if (path === '/none') socket.write('HTTP/1.1 204 None\r\n\r\n')
  else if (path === '/close') socket.end(`${OK}Connection: close\r\nContent-Length: 3\r\n\r\nabc`)
  else socket.write(`${OK}Content-Length: 3\r\n\r\nabc`)
}
const upstreams = await Promise.all(
  ADDRESSES.map(async (address) => {
    const server = createServer(serve)
    await new Promise<void>((resolve) => server.listen(0, address, resolve))
    return { server, url: `http://${address}:${(server.address() as AddressInfo).port}` }
  }),
)

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`
/** Request, and what it must get; null: the connection is cut. */
const MIX: readonly [request: string, status: number | null][] = [
  [get('/plain'), 200],
  [get('/chunked'), 200],
  [get('/none'), 204],
  [get('/close'), 200],
  [get('/hello'), 200],
  ['POST /plain HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello', 200],
  [get('/nowhere'), 404],
  [get('/a%2fb'), 400],
  [get('/reset'), 502],
  [get('/garbage'), 502],
  [get('/short'), null],
  ['POST /plain HTTP/1.1\r\nHost: h\r\nContent-Length: 99\r\n\r\n', 413],
]

for (const engine of ['uws', 'node']) {
  const gateway = await Gateway.start(`version: 1
listeners: [{ name: main, bind: '127.0.0.1:0', engine: ${engine} }]
plugins: { request-id: {}, body-limit: { max: 50B } }
upstreams: { up: { endpoints: [${upstreams.map(({ url }) => `{ url: '${url}' }`).join(', ')}], connections: { keepAlive: 2s } } }
routes:
  - { name: hello, match: { path: /hello }, respond: { body: hi } }
${['plain', 'chunked', 'none', 'close', 'reset', 'garbage', 'short'].map((path) => `  - { name: ${path}, match: { path: /${path} }, upstream: up }\n`).join('')}`)
  const port = gateway.port('main')
  const marks: string[] = []
  let done = 0
  let wrong = 0
  const step = REQUESTS / 4
  let next = step
  const loops = Array.from({ length: CONNECTIONS }, async (_, i) => {
    let client = new Client(port)
    for (let n = i; done < REQUESTS; n++) {
      const [text, expected] = MIX[n % MIX.length]!
      const reply = await client.ask(text)
      done++
      if ((reply?.status ?? null) !== expected) wrong++
      // What closes by rule, and what waits for a body that never comes, needs a new connection.
      if (client.closed || expected === null || expected === 400 || expected === 413) {
        client.socket.resetAndDestroy()
        client = new Client(port)
      }
      if (done >= next) {
        next += step
        marks.push(mib(await gateway.kilobytes('VmRSS')))
      }
    }
    client.socket.resetAndDestroy()
  })
  await Promise.all(loops)
  const busy = sockets.size
  await new Promise((resolve) => setTimeout(resolve, 5000)) // keepAlive is 2 s: idle connections go
  const { length: descriptors } = await (await import('node:fs/promises')).readdir(`/proc/${gateway.child.pid}/fd`)
  console.log(
    `${engine}: ${done} requests, ${wrong} with another end than expected; resident memory at each quarter ${marks.join(', ')}; upstream connections ${busy} -> ${sockets.size}; descriptors left ${descriptors}`,
  )
  if (wrong > 0 || sockets.size > 0) process.exitCode = 1
  await gateway.stop()
}
for (const { server } of upstreams) server.close()
