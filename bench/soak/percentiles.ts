// Do the figures agree? wrk's percentiles with those of the gateway's histograms, and the gateway's counters with those
// of the upstream, to the last request.
//   scripts/bench soak/percentiles [seconds] [connections]
// The load is open enough not to saturate the gateway: what waits in the kernel before it is read, only the client sees.
import { HistogramLogReader, type Histogram } from 'hdr-histogram-js'
import { Gateway, Process, until } from '../lab.ts'
import { parseLoad, wrk } from '../road/load.ts'
import { Client } from './client.ts'

const SECONDS = Number(process.argv[2] ?? 30)
const CONNECTIONS = process.argv[3] ?? '128'
/** Of the percentile, or µs: whichever is more. */
const ALLOWED = { part: 0.02, micros: 50 }
/** s between two lines of the interval log. */
const INTERVAL = 10

const upstream = new Process(process.execPath, [new URL('../peers/slow-uws.ts', import.meta.url).pathname])
await until(() => upstream.output.includes('\n'), 'the upstream')
const gateway = await Gateway.start(`version: 1
listeners: [{ name: main, bind: '127.0.0.1:0' }]
admin: { bind: '127.0.0.1:0' }
upstreams: { app: { endpoints: [{ url: 'http://127.0.0.1:${Number(upstream.output)}' }] } }
routes: [{ name: app, upstream: app }]
`)
const admin = gateway.port('admin')
const response = await fetch(
  `http://127.0.0.1:${admin}/admin/v1/latencies?interval=${INTERVAL}s&intervals=${Math.ceil(SECONDS / INTERVAL) + 2}`,
)
const text = response.text()
const seen = await wrk(`http://127.0.0.1:${gateway.port('main')}`, parseLoad(`x/${CONNECTIONS}/bare`), SECONDS, '0,1')
const client = new Client(admin)
const metrics = async (): Promise<string> =>
  (await client.ask('GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n'))!.body
await until(async () => /^sluice_http_requests_in_flight 0$/m.test(await metrics()), 'the last replies')
const counted = await metrics()
const served = value(counted, 'sluice_http_requests_total{route="app",method="GET",code="200"}')
const gone = value(counted, 'sluice_http_requests_total{route="app",method="GET",code="499"}')
const sent = value(counted, 'sluice_upstream_requests_total')
const received = await upstream.ask<number>('requests')
const merged = merge(await text, 'route=app')

let wrong = 0
console.log(
  `${seen.requests} requests by wrk, ${served} replies and ${gone} clients gone by the gateway, ${sent} to the upstream, which saw ${received}`,
)
if (
  served + gone !== received ||
  sent !== received ||
  served < seen.requests ||
  served > seen.requests + Number(CONNECTIONS)
)
  wrong++
for (const [percentile, theirs] of [
  [50, seen.p50],
  [99, seen.p99],
  [99.9, seen.p999],
] as const) {
  const ours = merged.getValueAtPercentile(percentile)
  const apart = ours - theirs
  const within = Math.abs(apart) <= Math.max(ALLOWED.micros, theirs * ALLOWED.part)
  if (!within) wrong++
  console.log(
    `p${percentile}: wrk ${theirs} us, gateway ${ours} us, apart ${apart} us (${((100 * apart) / theirs).toFixed(2)} %) ${within ? '' : 'TOO FAR'}`,
  )
}
process.exitCode = wrong === 0 ? 0 : 1
client.socket.destroy()
await Promise.all([gateway.stop(), upstream.stop()])

function value(all: string, start: string): number {
  const line = all.split('\n').find((each) => each.startsWith(start))
  return line === undefined ? 0 : Number(line.slice(line.lastIndexOf(' ')))
}

/** All intervals with this tag together. */
function merge(all: string, tag: string): Histogram {
  const reader = new HistogramLogReader(all, 64)
  let whole: Histogram | null = null
  for (let next = reader.nextIntervalHistogram(); next !== null; next = reader.nextIntervalHistogram()) {
    if (next.tag !== tag) continue
    if (whole === null) whole = next
    else whole.add(next)
  }
  if (whole === null) throw new Error(`nothing in the log of ${tag}`)
  return whole
}
