// One of four endpoints becomes faulty under a constant load, and healthy again: what do clients notice, how soon is it
// left alone, how soon does it get its share again, and is it run over then?
//   scripts/bench faults [fault ...] [--seconds S] [--rate R] [--plain]
// Without names, all faults; `--seconds` (15) is the length of the fault, and of the time after it; `--rate` (2000)
// requests/s are due at fixed times. `--plain`: a gateway with timeouts and nothing else of what resilience is made of.
// A row is marked as disturbed when it went badly before there was a fault: the machine had other work.
// Results go to bench/results/faults.{json,md}, or faults-plain.
//
// detect: until the faulty endpoint gets less than 1 % of what arrives, for a second; recover: from the end of the fault
// until it gets 80 % of its fair share, for a second; herd: the largest share in one second of the ten after that, relative
// to the fair one; amplification: requests that endpoints read during the fault, for each of the client. Health checks
// count nowhere; attempts to connect that are refused or not heard count as arrivals, from the kernel's counters.
import { mkdirSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { EndpointProcess } from '../test/lab/faults/endpoint-process.ts'
import { HEALTHY, type Fault } from '../test/lab/faults/fault.ts'
import { figuresOf, INTERVAL, table, type Figures, type Series } from './faults/figures.ts'
import { enterOwnNetwork, FailedAttempts } from './faults/kernel.ts'
import { Gateway } from './lab.ts'
import { OpenLoop } from './open-loop.ts'

const WARM_UP = 3000
/** The first becomes faulty. */
const ENDPOINTS = ['faulty', 'b', 'c', 'd']

const FAULTS: Readonly<Record<string, Fault>> = {
  none: HEALTHY,
  refuse: { kind: 'refuse' },
  stall: { kind: 'stall' },
  blackhole: { kind: 'blackhole' },
  'drip-head': { kind: 'drip', part: 'head' },
  'drip-body': { kind: 'drip', part: 'body' },
  'reset-start': { kind: 'reset', at: 'start' },
  'reset-body': { kind: 'reset', at: 'body' },
  'lie-long': { kind: 'lie', about: 'long' },
  'lie-short': { kind: 'lie', about: 'short' },
  'lie-garbage': { kind: 'lie', about: 'garbage' },
  'lie-second': { kind: 'lie', about: 'second' },
  'errors-30': { kind: 'errors', share: 0.3 },
  'errors-all': { kind: 'errors' },
  slow: { kind: 'slow', from: 700 },
  slower: { kind: 'slow', from: 10, to: 1500, over: 8000 },
  restart: { kind: 'restart', downtime: 1000 },
  'close-idle': { kind: 'close-idle' },
}

const RESILIENCE = `
    retries: { attempts: 2, on: [connect-failure, reset, timeout, 502, 503, 504], perTry: 500ms, budget: 20% }
    health: { path: /healthz, interval: 1s, timeout: 500ms, healthy: 2, unhealthy: 2 }
    outlier: { consecutive: 5, interval: 2s, ejection: 2s, maxEjected: 50% }
    breaker: { window: 5s, minimum: 20, failures: 50%, latency: 400ms, open: 2s, probes: 3 }
    slowStart: 5s`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '15' },
    rate: { type: 'string', default: '2000' },
    plain: { type: 'boolean', default: false },
  },
})
const names = positionals.length > 0 ? positionals : Object.keys(FAULTS)
const unknown = names.filter((name) => FAULTS[name] === undefined)
const length = Number(values.seconds) * 1000
const rate = Number(values.rate)
if (unknown.length > 0 || !(length >= 2000) || !(rate >= 1)) {
  console.error(`usage: faults [${Object.keys(FAULTS).join('|')}] [--seconds S, from 2] [--rate R] [--plain]`)
  process.exit(2)
}
enterOwnNetwork()

function configuration(endpoints: readonly EndpointProcess[]): string {
  return `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0' }]
upstreams:
  app:
    endpoints: [${endpoints.map(({ url }) => `{ url: '${url}' }`).join(', ')}]
    balance: round-robin
    timeouts: { connect: 250ms, response: 1s, idle: 2s${values.plain ? '' : ', total: 5s'} }${values.plain ? '' : RESILIENCE}
routes: [{ name: all, upstream: app }]
`
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** What all endpoints have read so far. */
async function readBy(endpoints: readonly EndpointProcess[]): Promise<number> {
  const reports = await Promise.all(endpoints.map((endpoint) => endpoint.report()))
  return reports.reduce((sum, { requests }) => sum + requests.arrived, 0)
}

function merge(one: Series, other: Series): Series {
  const sums = new Map(one)
  for (const [at, count] of other) sums.set(at, (sums.get(at) ?? 0) + count)
  return [...sums]
}

async function play(name: string): Promise<Figures> {
  const endpoints = await Promise.all(ENDPOINTS.map((each) => EndpointProcess.start(each, { interval: INTERVAL })))
  const gateway = await Gateway.start(configuration(endpoints))
  const faulty = endpoints[0]!
  const cpu = process.cpuUsage()
  const load = new OpenLoop({ port: gateway.port('main'), rate })
  const begun = Date.now()
  await after(WARM_UP)
  const readBefore = await readBy(endpoints)
  const failed = new FailedAttempts()
  const fell = Date.now()
  await faulty.become(FAULTS[name]!)
  await after(length)
  const read = (await readBy(endpoints)) - readBefore
  const healed = Date.now()
  await faulty.become(HEALTHY)
  await after(length)
  const ended = Date.now()
  const used = process.cpuUsage(cpu)
  await load.stop()
  const unheard = failed.stop()
  const reports = await Promise.all(endpoints.map((endpoint) => endpoint.report()))
  await gateway.stop()
  await Promise.all(endpoints.map((endpoint) => endpoint.close()))
  const arrivals = reports.map((report, i) => (i === 0 ? merge(report.arrivals, unheard) : report.arrivals))
  const clientCpu = (used.user + used.system) / 1000 / (ended - begun)
  return figuresOf({ fault: name, begun, fell, healed, ended, samples: load.samples, arrivals, read, clientCpu })
}

const rows: Figures[] = []
for (const name of names) {
  process.stderr.write(`\r${name.padEnd(20)}`)
  rows.push(await play(name))
}
process.stderr.write('\r'.padEnd(22) + '\r')
console.log(table(rows))
console.log(`the client took ${Math.max(...rows.map(({ clientCpu }) => clientCpu)).toFixed(2)} of a core at most`)
const results = new URL('results/', import.meta.url)
const base = values.plain ? 'faults-plain' : 'faults'
mkdirSync(results, { recursive: true })
writeFileSync(new URL(`${base}.json`, results), JSON.stringify({ seconds: length / 1000, rate, rows }, null, 2))
writeFileSync(new URL(`${base}.md`, results), table(rows))
console.log(`written to bench/results/${base}.json and ${base}.md`)
