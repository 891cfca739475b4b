// Bytes that V8 allocates on its heap per request, by its own accounting (bench/probe/heap.ts).
//   scripts/bench alloc [--rounds N] [--seconds S] [--check]
// With --check it fails when a road is over its budget.
import { parseArgs } from 'node:util'
import { Gateway } from './lab.ts'
import { heapPerRequest } from './road/heap.ts'
import { parseLoad, wrk } from './road/load.ts'
import { HEAP_PROBE, LOAD_CORE, PINNED, startUpstream } from './road/peers.ts'
import { median, spread } from './road/report.ts'

interface Case {
  readonly what: string
  readonly load: string
  readonly transport: string
  /** bytes; null: reported only */
  readonly budget: number | null
}

const CASES: readonly Case[] = [
  { what: 'own reply', load: 'own/64/bare', transport: 'wire', budget: 200 },
  { what: 'proxied, wire', load: '69/64/bare', transport: 'wire', budget: 1200 },
  { what: 'proxied, wire, pipelined by 8', load: '69/64/bare', transport: 'wire, pipelining: 8', budget: 1200 },
  { what: 'proxied, wire, browser headers', load: '69/64/browser', transport: 'wire', budget: null },
  { what: 'proxied, wire, POST of 4 KiB', load: '69/64/post', transport: 'wire', budget: null },
  { what: 'proxied, wire, 16 KiB', load: '16k/64/bare', transport: 'wire', budget: null },
  { what: 'proxied, undici', load: '69/64/bare', transport: 'undici', budget: null },
]

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    check: { type: 'boolean', default: false },
  },
})
const upstream = await startUpstream()
for (const { what, load, transport, budget } of CASES) {
  const gateway = await Gateway.start(
    `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0' }]
plugins: { request-id: {} }
upstreams: { up: { endpoints: [{ url: 'http://127.0.0.1:${upstream.port}' }], transport: ${transport} } }
routes: [{ name: all, upstream: up }, { name: own, match: { path: /own }, plugins: { request-id: off }, respond: { body: hello } }]
`,
    { prefix: PINNED, flags: ['--import', HEAP_PROBE] },
  )
  const origin = `http://127.0.0.1:${gateway.port('main')}`
  const bytes: number[] = []
  for (let round = -1; round < Number(values.rounds); round++) {
    const seen = await heapPerRequest(gateway, () => wrk(origin, parseLoad(load), Number(values.seconds), LOAD_CORE))
    if (round >= 0) bytes.push(seen) // the round before warms up
  }
  await gateway.stop()
  const over = budget !== null && median(bytes) > budget
  console.log(`${what}: ${spread(bytes)} B${budget === null ? '' : `, budget ${budget}${over ? ': OVER' : ''}`}`)
  if (over && values.check) process.exitCode = 1
}
await upstream.process.stop()
