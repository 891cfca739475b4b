// What it costs to see: CPU per proxied request with everything on (metrics, a sampled access log, traces at 1 %, a scrape
// every second) beside everything off, interleaved; and each of them alone.
//   scripts/bench observe [--base REV] [--rounds N] [--seconds S] [--only 'access log,everything'] [--load 69/64/bare]
// Metrics cannot be turned off. With --base the revision before they came stands for that.
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Gateway } from './lab.ts'
import { checkOut } from './revision.ts'
import { parseLoad, wrk } from './road/load.ts'
import { LOAD_CORE, PINNED, startUpstream } from './road/peers.ts'
import { spread } from './road/report.ts'

/** Rounds before the first that counts: rarely run code takes its time to be compiled. */
const WARM = 3

const { values } = parseArgs({
  options: {
    base: { type: 'string', default: '' },
    rounds: { type: 'string', default: '9' },
    seconds: { type: 'string', default: '2' },
    only: { type: 'string', default: '' },
    load: { type: 'string', default: '69/64/bare' },
  },
})
const directory = mkdtempSync(join(tmpdir(), 'sluice-observe-'))
process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
let batches = 0
const receiver = createServer((request, response) => {
  batches++
  request.resume().on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'))
})
await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
const upstream = await startUpstream()

const traces = `traces: { otlp: { url: 'http://127.0.0.1:${(receiver.address() as AddressInfo).port}' }, ratio: 1% }`
const logs = 'logs: { sampling: { rate: 1000/s, info: { share: 10%, above: 1% } } }'
const accessLog = (name: string): string => `access-log: { destination: '${join(directory, name)}' }`

interface Arm {
  readonly name: string
  readonly gateway: Gateway
  readonly scraped: boolean
  readonly cpu: number[]
  readonly user: number[]
}

async function arm(name: string, observability: string, plugins: string, root = ''): Promise<Arm> {
  const yaml = `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0' }]
admin: { bind: '127.0.0.1:0' }
${observability === '' ? '' : `observability: { ${observability} }`}
plugins: { request-id: {}${plugins === '' ? '' : `, ${plugins}`} }
upstreams: { up: { endpoints: [{ url: 'http://127.0.0.1:${upstream.port}' }] } }
routes: [{ name: all, upstream: up }]
`
  const gateway = await Gateway.start(yaml, root === '' ? { prefix: PINNED } : { prefix: PINNED, root })
  return { name, gateway, scraped: name === 'everything', cpu: [], user: [] }
}

const arms: Arm[] = []
if (values.base !== '') arms.push(await arm(`no metrics (${values.base})`, '', '', checkOut(values.base)))
else arms.push(await arm('metrics alone', '', ''))
for (const [name, observability, plugins] of [
  ['metrics alone', '', ''],
  ['access log', logs, accessLog('alone.log')],
  ['traces', traces, ''],
  ['everything', `${logs}, ${traces}`, accessLog('all.log')],
] as const) {
  if (name === arms[0]!.name || (values.only !== '' && !values.only.split(',').includes(name))) continue
  arms.push(await arm(name, observability, plugins))
}
const load = parseLoad(values.load)
for (let round = -WARM; round < Number(values.rounds); round++) {
  for (const { gateway, scraped, cpu, user } of round % 2 === 0 ? arms : arms.toReversed()) {
    const before = await gateway.times()
    const scrapes = scraped ? setInterval(() => void scrape(gateway.port('admin')), 1000) : undefined
    const { requests } = await wrk(`http://127.0.0.1:${gateway.port('main')}`, load, Number(values.seconds), LOAD_CORE)
    clearInterval(scrapes)
    if (round < 0) continue
    const after = await gateway.times()
    user.push((after.user - before.user) / requests)
    cpu.push((after.user + after.system - before.user - before.system) / requests)
  }
}
const [lowest] = arms
for (const { name, cpu, user } of arms) {
  const ratios = cpu.map((each, i) => each / lowest!.cpu[i]!)
  console.log(
    `${name}: ${spread(cpu, 1)} us, ${spread(user, 1)} of them in user mode; ${spread(ratios, 3)} of ${lowest!.name}`,
  )
}
console.log(`${batches} batches of spans`)
await Promise.all(arms.map(({ gateway }) => gateway.stop()))
receiver.close()
await upstream.process.stop()

async function scrape(port: number): Promise<void> {
  await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
}
