// 20,000 log entries/s: what they do to latency. Two gateways, one that logs and one that does not, take turns under the
// same open load; each request of the one makes an access line and four lines of a plugin.
//   scripts/bench soak/logs [rounds] [seconds] [proxied]
// Proxied: to an upstream that takes 40 to 72 ms; else the gateway answers by itself, in less than one.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Gateway, Process, until } from '../lab.ts'
import { OpenLoop } from '../open-loop.ts'
import { Client } from './client.ts'

const ROUNDS = Number(process.argv[2] ?? 9)
const SECONDS = Number(process.argv[3] ?? 5)
const REQUESTS = 4000
const LINES = 4
const ALLOWED = 1.05

const CHATTY = `import { definePlugin, Type } from 'sluice/plugin'
export default definePlugin({
  name: 'chatty',
  schema: Type.Object({}),
  compile: (_, host) => ({
    log(x) {
      for (let i = 0; i < ${LINES}; i++) host.log.info({ route: x.routeName, status: x.status, requestId: x.requestId, i }, 'entry')
    },
  }),
})
`

const directory = await mkdtemp(join(tmpdir(), 'sluice-logs-'))
process.once('exit', () => void rm(directory, { recursive: true, force: true }))
await writeFile(join(directory, 'chatty.ts'), CHATTY)
const upstream = new Process(process.execPath, [new URL('../peers/slow-uws.ts', import.meta.url).pathname])
await until(() => upstream.output.includes('\n'), 'the upstream')
const action = process.argv[4] === 'proxied' ? 'upstream: slow' : 'respond: { body: hello }'
const start = (more: string): Promise<Gateway> =>
  Gateway.start(
    `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0' }]
admin: { bind: '127.0.0.1:0' }
pluginDirectories: ['${directory}']
upstreams: { slow: { endpoints: [{ url: 'http://127.0.0.1:${Number(upstream.output)}' }] } }
routes: [{ name: all, ${action} }]
${more}`,
    { prefix: ['taskset', '-c', '0'] },
  )
const quiet = await start('')
// The plugin's lines go to standard output, a pipe, and the access log to a file.
const loud = await start(`plugins: { chatty: {}, access-log: { destination: '${join(directory, 'access.log')}' } }`)
const arms = [
  { name: 'off', gateway: quiet, p50: [] as number[], p99: [] as number[], cpu: [] as number[] },
  { name: 'on', gateway: loud, p50: [] as number[], p99: [] as number[], cpu: [] as number[] },
]

for (let round = 0; round <= ROUNDS; round++) {
  for (const { gateway, p50, p99, cpu } of round % 2 === 0 ? arms : arms.toReversed()) {
    const before = await gateway.cpu()
    const load = new OpenLoop({ port: gateway.port('main'), rate: REQUESTS, connections: 512 })
    await new Promise((resolve) => setTimeout(resolve, SECONDS * 1000))
    await load.stop()
    const latencies = load.samples.map(({ latency }) => latency).toSorted((a, b) => a - b)
    if (load.samples.some(({ outcome }) => outcome !== 'ok')) throw new Error('a request failed')
    if (round === 0) continue // warms up
    p50.push(latencies[Math.floor(latencies.length * 0.5)]!)
    p99.push(latencies[Math.floor(latencies.length * 0.99)]!)
    cpu.push(((await gateway.cpu()) - before) / latencies.length)
  }
}

for (const { name, p50, p99, cpu } of arms) {
  console.log(
    `logs ${name}: p50 ${median(p50).toFixed(3)} ms, p99 ${median(p99).toFixed(3)} ms, ${median(cpu).toFixed(1)} µs of CPU per request`,
  )
}
const ratios = arms[1]!.p99.map((value, i) => value / arms[0]!.p99[i]!)
console.log(
  `p99 on / off, pair by pair: ${ratios.map((ratio) => ratio.toFixed(3)).join(' ')}; median ${median(ratios).toFixed(3)}`,
)
const client = new Client(loud.port('admin'))
const metrics = (await client.ask('GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n'))!.body
console.log(
  metrics
    .split('\n')
    .filter((line) => /^sluice_log_entries_total.*"info"/.test(line))
    .join('\n'),
)
if (median(ratios) > ALLOWED || !/level="info",result="dropped"\} 0$/m.test(metrics)) process.exitCode = 1
client.socket.destroy()
await Promise.all([quiet.stop(), loud.stop(), upstream.stop()])

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
}
