// Two revisions of ours, interleaved: the working tree beside REV, CPU per request on each load and its ratio.
//   scripts/bench compare REV [--rounds N] [--seconds S] [--load path/connections/kind,...] [--transport wire]
import { parseArgs } from 'node:util'
import { Gateway } from './lab.ts'
import { checkOut } from './revision.ts'
import { parseLoad, wrk } from './road/load.ts'
import { LOAD_CORE, PINNED, startUpstream } from './road/peers.ts'
import { spread } from './road/report.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '9' },
    seconds: { type: 'string', default: '2' },
    load: { type: 'string', default: '69/64/bare,own/64/bare' },
    transport: { type: 'string', default: 'auto' },
  },
})
const revision = positionals[0]
if (revision === undefined) {
  console.error('which revision? scripts/bench compare REV')
  process.exit(2)
}

const upstream = await startUpstream()
const yaml = `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0' }]
plugins: { request-id: {} }
upstreams: { up: { endpoints: [{ url: 'http://127.0.0.1:${upstream.port}' }], transport: ${values.transport} } }
routes: [{ name: all, upstream: up }, { name: own, match: { path: /own }, plugins: { request-id: off }, respond: { body: hello } }]
`
const ours = { gateway: await Gateway.start(yaml, { prefix: PINNED }), cpu: [] as number[] }
const theirs = {
  gateway: await Gateway.start(yaml, { prefix: PINNED, root: checkOut(revision) }),
  cpu: [] as number[],
}
for (const name of values.load.split(',')) {
  const load = parseLoad(name)
  ours.cpu = []
  theirs.cpu = []
  for (let round = -1; round < Number(values.rounds); round++) {
    for (const side of round % 2 === 0 ? [ours, theirs] : [theirs, ours]) {
      const before = await side.gateway.cpu()
      const origin = `http://127.0.0.1:${side.gateway.port('main')}`
      const { requests } = await wrk(origin, load, Number(values.seconds), LOAD_CORE)
      if (round >= 0) side.cpu.push(((await side.gateway.cpu()) - before) / requests)
    }
  }
  const ratios = ours.cpu.map((cpu, i) => cpu / theirs.cpu[i]!)
  console.log(
    `${name}: ${spread(theirs.cpu, 1)} us at ${revision}, ${spread(ours.cpu, 1)} us now; ratio ${spread(ratios, 3)}`,
  )
}
await Promise.all([ours.gateway.stop(), theirs.gateway.stop(), upstream.process.stop()])
