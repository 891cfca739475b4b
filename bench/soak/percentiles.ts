// Do the figures agree? wrk's percentiles with those of the gateway's histograms, and the gateway's counters with those
// of the upstream, to the last request.
//   scripts/bench soak/percentiles [seconds] [connections]
// The load does not saturate the gateway: what waits in the kernel before it is read, only the client sees. And no reply
// takes twice the mean: wrk adds requests that it thinks were not sent because of such replies (coordinated omission).
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { build, HistogramLogReader, type Histogram } from 'hdr-histogram-js'
import { Gateway, Process, until } from '../lab.ts'
import { parseLoad, wrk } from '../road/load.ts'

const SECONDS = Number(process.argv[2] ?? 30)
const CONNECTIONS = process.argv[3] ?? '1024'
/** Of the percentile, or µs: whichever is more. */
const ALLOWED = { part: 0.02, micros: 50 }
/** s in which what is run is compiled, and connections to the upstream are opened. */
const WARM_UP = 5
/** s between two lines of the interval log. */
const INTERVAL = 10

/** What waits for a core is late without anybody's doing: where the system allows it, wrk comes first and the gateway second. */
const first = await realTime(20)
const second = await realTime(10)
const upstream = new Process(process.execPath, [new URL('../peers/slow-uws.ts', import.meta.url).pathname])
await until(() => upstream.output.includes('\n'), 'the upstream')
const gateway = await Gateway.start(
  `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0' }]
admin: { bind: '127.0.0.1:0' }
upstreams: { app: { endpoints: [{ url: 'http://127.0.0.1:${Number(upstream.output)}' }] } }
routes: [{ name: app, upstream: app }]
`,
  { prefix: second },
)
const admin = gateway.port('admin')

interface Counts {
  readonly served: number
  readonly gone: number
  readonly sent: number
  readonly received: number
}

/** When nothing is under way. */
async function counts(): Promise<Counts> {
  const metrics = async (): Promise<string> => (await fetch(`http://127.0.0.1:${admin}/metrics`)).text()
  await until(async () => /^sluice_http_requests_in_flight 0$/m.test(await metrics()), 'the last replies')
  const text = await metrics()
  return {
    served: value(text, 'sluice_http_requests_total{route="app",method="GET",code="200"}'),
    gone: value(text, 'sluice_http_requests_total{route="app",method="GET",code="499"}'),
    sent: value(text, 'sluice_upstream_requests_total'),
    received: await upstream.ask<number>('requests'),
  }
}

const load = (seconds: number) =>
  wrk(`http://127.0.0.1:${gateway.port('main')}`, parseLoad(`x/${CONNECTIONS}/bare`), seconds, '0,1', first)
await load(WARM_UP)
const before = await counts()
const intervals = Math.ceil(SECONDS / INTERVAL) + 2
const log = await fetch(`http://127.0.0.1:${admin}/admin/v1/latencies?interval=${INTERVAL}s&intervals=${intervals}`)
const text = log.text()
const seen = await load(SECONDS)
const after = await counts()
const served = after.served - before.served
const gone = after.gone - before.gone
const sent = after.sent - before.sent
const received = after.received - before.received
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
await Promise.all([gateway.stop(), upstream.stop()])

/** A command that runs another with this priority; none where that is not allowed. */
async function realTime(priority: number): Promise<string[]> {
  const command = ['chrt', '-f', String(priority)]
  try {
    await promisify(execFile)(command[0]!, [...command.slice(1), 'true'])
    return command
  } catch {
    return []
  }
}

function value(all: string, start: string): number {
  const line = all.split('\n').find((each) => each.startsWith(start))
  return line === undefined ? 0 : Number(line.slice(line.lastIndexOf(' ')))
}

/** All intervals with this tag together. */
function merge(all: string, tag: string): Histogram {
  const reader = new HistogramLogReader(all, 64)
  const whole = build({ bitBucketSize: 64, autoResize: true, numberOfSignificantValueDigits: 2, useWebAssembly: false })
  for (let next = reader.nextIntervalHistogram(); next !== null; next = reader.nextIntervalHistogram()) {
    if (next.tag === tag) whole.add(next)
  }
  if (whole.totalCount === 0) throw new Error(`nothing in the log of ${tag}`)
  return whole
}
