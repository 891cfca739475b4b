// Five million requests, proxied and answered here: the old space stays flat, and no buffer, Exchange or connection is left.
//   scripts/bench soak/flat [requests]
import { Gateway, mib } from '../lab.ts'
import type { LiveSeen } from '../probe/live.ts'
import { parseLoad, wrk } from '../road/load.ts'
import { LOAD_CORE, PINNED, startUpstream } from '../road/peers.ts'

const REQUESTS = Number(process.argv[2] ?? 5_000_000)
const LOADS = ['69/64/bare', '69/64/browser', '69/64/post', '16k/64/bare', 'own/64/bare'].map(parseLoad)
const SECONDS = 3
/** bytes; what the first rounds have compiled and pooled is not counted */
const MOST_GROWTH = 512 * 1024
const MOST_IDLE = 256 // connections and pooled objects that 64 clients may leave

const probe = new URL('../probe/live.ts', import.meta.url).pathname
const upstream = await startUpstream()
const gateway = await Gateway.start(
  `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0' }]
plugins: { request-id: {} }
upstreams: { up: { endpoints: [{ url: 'http://127.0.0.1:${upstream.port}' }], transport: wire } }
routes: [{ name: all, upstream: up }, { name: own, match: { path: /own }, plugins: { request-id: off }, respond: { body: hello } }]
`,
  { prefix: PINNED, flags: ['--expose-gc', '--import', probe] },
)
const origin = `http://127.0.0.1:${gateway.port('main')}`
let requests = 0
let first: LiveSeen | null = null
let last: LiveSeen | null = null
while (requests < REQUESTS) {
  for (const load of LOADS) requests += (await wrk(origin, load, SECONDS, LOAD_CORE)).requests
  last = await gateway.ask<LiveSeen>('live')
  first ??= last
  const { oldSpace, buffers, exchanges, attempts, connections } = last
  console.log(
    `${requests} requests: old space ${kib(oldSpace)}, buffers ${kib(buffers)}, ${exchanges} Exchanges, ` +
      `${attempts} attempts, ${connections} connections; resident ${mib(await gateway.kilobytes('VmRSS'))}`,
  )
}
await gateway.stop()
await upstream.process.stop()

const grown = last!.oldSpace - first!.oldSpace
const left = Math.max(last!.exchanges, last!.attempts, last!.connections)
console.log(`old space grew by ${kib(grown)}, buffers by ${kib(last!.buffers - first!.buffers)}`)
if (grown > MOST_GROWTH || last!.buffers - first!.buffers > MOST_GROWTH || left > MOST_IDLE) process.exitCode = 1

function kib(bytes: number): string {
  return `${(bytes / 1024).toFixed(0)} KiB`
}
