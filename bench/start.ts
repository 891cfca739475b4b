// Time from start to the first proxied answer, and memory when idle and with many idle connections.
//   scripts/bench start
import { connect, type Socket } from 'node:net'
import { Gateway, mib, until } from './lab.ts'
import { PINNED, startUpstream } from './road/peers.ts'
import { spread } from './road/report.ts'

const STARTS = 5
const IDLE = 10_000

const upstream = await startUpstream()
const yaml = `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0' }]
plugins: { request-id: {} }
upstreams: { up: { endpoints: [{ url: 'http://127.0.0.1:${upstream.port}' }] } }
routes: [{ name: all, upstream: up }]
`
const starts: number[] = []
for (let i = 0; i < STARTS; i++) {
  const start = performance.now()
  const gateway = await Gateway.start(yaml, { prefix: PINNED })
  await until(async () => (await fetch(`http://127.0.0.1:${gateway.port('main')}/69`)).ok, 'the first answer')
  starts.push(performance.now() - start)
  if (i === STARTS - 1) await idle(gateway)
  await gateway.stop()
}
console.log(`start to first proxied answer: ${spread(starts)} ms`)
await upstream.process.stop()

async function idle(gateway: Gateway): Promise<void> {
  const before = await gateway.kilobytes('VmRSS')
  const sockets: Socket[] = []
  for (let i = 0; i < IDLE; i++) {
    // One address has about 28,000 free ports.
    sockets.push(connect({ port: gateway.port('main'), host: '127.0.0.1' }).on('error', () => {}))
    if (i % 500 === 499) await until(() => sockets.every((socket) => !socket.connecting), 'connections')
  }
  const after = await gateway.kilobytes('VmRSS')
  const open = sockets.filter((socket) => !socket.destroyed).length
  console.log(`resident memory: idle ${mib(before)}, with ${open} idle connections ${mib(after)}`)
  for (const socket of sockets) socket.resetAndDestroy()
}
