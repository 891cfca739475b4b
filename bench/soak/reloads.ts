// A thousand reloads in half a minute under load from 64 connections: no request may fail or take a wrong route, and
// every connection must stay open.
//   scripts/bench soak/reloads [reloads] [seconds]
import { rename, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Gateway, mib, until } from '../lab.ts'
import { Client } from './client.ts'

const RELOADS = Number(process.argv[2] ?? 1000)
const SECONDS = Number(process.argv[3] ?? 30)
const CONNECTIONS = 64

const servers = await Promise.all(
  ['a', 'b'].map(async (name) => {
    const server = createServer((_, response) => response.end(name))
    server.keepAliveTimeout = 60_000
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return server
  }),
)
const [a, b] = servers.map((server) => (server.address() as AddressInfo).port)

/** Odd and even versions differ in a route, a plugin and a timeout; what /a and /b mean never changes. */
function configuration(engine: string, n: number): string {
  return `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0', engine: ${engine} }]
plugins: { request-id: {}, headers: { response: { set: { x-version: '${n}' } } } }
upstreams:
  a: { endpoints: [{ url: 'http://127.0.0.1:${a}' }] }
  b: { endpoints: [{ url: 'http://127.0.0.1:${b}' }], timeouts: { response: ${10 + (n % 2)}s } }
routes:
  - { name: a, match: { path: /a/** }, upstream: a }
  - { name: b, match: { path: /b/** }, upstream: b }
${n % 2 === 0 ? '' : '  - { name: extra, match: { path: /extra }, respond: {} }\n'}`
}

for (const engine of ['uws', 'node']) {
  const gateway = await Gateway.start(configuration(engine, 0))
  const before = await gateway.kilobytes('VmRSS')
  const load = { running: true, served: 0, failed: 0, misrouted: 0 }
  const clients = Array.from({ length: CONNECTIONS }, () => new Client(gateway.port('main')))
  const loops = clients.map(async (client, i) => {
    const name = i % 2 === 0 ? 'a' : 'b'
    while (load.running) {
      const reply = await client.ask(`GET /${name}/${load.served} HTTP/1.1\r\nHost: h\r\n\r\n`)
      if (reply === null || reply.status !== 200) load.failed++
      else if (reply.body !== name) load.misrouted++
      else load.served++
      if (client.closed) return
    }
  })
  const start = performance.now()
  let applied = 0
  for (let n = 1; n <= RELOADS; n++) {
    await writeFile(`${gateway.file}.new`, configuration(engine, n))
    await rename(`${gateway.file}.new`, gateway.file)
    const due = start + (n * SECONDS * 1000) / RELOADS
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())))
    process.kill(gateway.child.pid!, 'SIGHUP') // read at once: the watch alone gathers quick changes into one
  }
  await until(() => performance.now() - start >= SECONDS * 1000, 'the end')
  load.running = false
  await Promise.all(loops)
  applied = gateway.output.split('\n').filter((line) => line.includes('"configuration reloaded"')).length
  const rejected = gateway.output.split('\n').filter((line) => line.includes('rejected')).length
  const closed = clients.filter((client) => client.closed).length
  console.log(
    `${engine}: ${RELOADS} changes in ${SECONDS} s, ${applied} versions served, ${rejected} rejected; ${load.served} requests, ${load.failed} failed, ` +
      `${load.misrouted} misrouted, ${closed} of ${CONNECTIONS} connections closed; memory ${mib(before)} -> ${mib(await gateway.kilobytes('VmRSS'))}`,
  )
  if (load.failed + load.misrouted + closed + rejected > 0) process.exitCode = 1
  for (const client of clients) client.socket.destroy()
  await gateway.stop()
}
for (const server of servers) {
  server.closeAllConnections()
  server.close()
}
