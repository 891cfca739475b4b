// What a reply of the gateway's own costs beside a bare uWebSockets.js handler that does nothing else.
//   scripts/bench own [--rounds N] [--seconds S]
import { parseArgs } from 'node:util'
import { Gateway, Process, until } from './lab.ts'
import { parseLoad, wrk } from './road/load.ts'
import { LOAD_CORE, PINNED } from './road/peers.ts'
import { spread } from './road/report.ts'

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '9' }, seconds: { type: 'string', default: '2' } },
})
const [command, ...prefix] = PINNED
const script = new URL('peers/bare-uws.ts', import.meta.url).pathname
const bare = new Process(command!, [...prefix, process.execPath, '--disable-warning=ExperimentalWarning', script])
await until(() => bare.output.includes('\n'), 'the bare handler')
const gateway = await Gateway.start(
  `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0' }]
routes: [{ name: own, respond: { body: hello } }]
`,
  { prefix: PINNED },
)
const sides = [
  { process: bare, port: Number(bare.output), cpu: [] as number[] },
  { process: gateway, port: gateway.port('main'), cpu: [] as number[] },
]
const load = parseLoad('own/64/bare')
for (let round = -1; round < Number(values.rounds); round++) {
  for (const { process: server, port, cpu } of sides) {
    const before = await server.cpu()
    const { requests } = await wrk(`http://127.0.0.1:${port}`, load, Number(values.seconds), LOAD_CORE)
    if (round >= 0) cpu.push(((await server.cpu()) - before) / requests)
  }
}
const [lowest, ours] = sides.map(({ cpu }) => cpu)
const ratios = ours!.map((cpu, i) => cpu / lowest![i]!)
console.log(`bare handler ${spread(lowest!, 2)} us, own reply ${spread(ours!, 2)} us; ratio ${spread(ratios, 2)}`)
await Promise.all([bare.stop(), gateway.stop()])
