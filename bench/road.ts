// The whole gateway beside its peers: one core for the gateway, the other for load and upstream; short interleaved rounds,
// because the machine drifts; CPU per request and its ratio to nginx in the same round.
//   scripts/bench road [--all] [--rounds N] [--seconds S] [--only name,name] [--load 69/64/bare,...]
// A load is payload/connections/kind: payload 69, 16k or 1m; kind bare, browser (twelve headers) or post (4 KiB up).
// Results go to bench/results/road.{json,md,svg}.
import { mkdirSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { heapPerRequest } from './road/heap.ts'
import { parseLoad, wrk, type Load, type Seen } from './road/load.ts'
import { LOAD_CORE, missing, PEERS, startUpstream, type Peer } from './road/peers.ts'
import { chart, table, type Figures } from './road/report.ts'

const CORE_LOADS = ['69/64/bare', '69/64/browser']
const ALL_LOADS = [
  ...['69', '16k', '1m'].flatMap((payload) => [1, 64, 512].map((connections) => `${payload}/${connections}/bare`)),
  '69/64/browser',
  '69/64/post',
]

const { values } = parseArgs({
  options: {
    all: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '7' },
    seconds: { type: 'string', default: '2' },
    only: { type: 'string' },
    load: { type: 'string' },
  },
})
const rounds = Number(values.rounds)
const seconds = Number(values.seconds)
const loads = values.load?.split(',') ?? (values.all ? ALL_LOADS : CORE_LOADS)
/** Half a gigabyte in flight takes the slowest peers seconds. */
const secondsOf = (load: Load): number => (load.path === '/1m' && load.connections > 100 ? 4 * seconds : seconds)
const names = values.only?.split(',') ?? Object.keys(PEERS)

for (const tool of ['wrk', 'nginx', 'taskset']) {
  const how = missing(tool)
  if (how === null) continue
  console.error(how)
  process.exit(2)
}

const upstream = await startUpstream()
const peers: Peer[] = []
for (const name of ['nginx', ...names.filter((each) => each !== 'nginx')]) {
  const start = PEERS[name]
  if (start === undefined) {
    console.error(`no peer ${name}; there are ${Object.keys(PEERS).join(', ')}`)
    process.exit(2)
  }
  const started = await start(upstream.port)
  if (typeof started === 'string') console.error(`${started}; going on without`)
  else peers.push(started)
}

const figures: Figures[] = []
for (const name of loads) {
  const load = parseLoad(name)
  const rows = peers.map((peer) => ({
    peer,
    rounds: [] as (Seen & { cpu: number })[],
    rss: 0,
    heap: null as number | null,
  }))
  for (let round = -1; round < rounds; round++) {
    for (const row of rows) {
      process.stderr.write(`\r${name} round ${Math.max(round + 1, 0)}/${rounds} ${row.peer.name.padEnd(20)}`)
      const before = await row.peer.process.cpu()
      const seen = await wrk(row.peer.origin, load, secondsOf(load), LOAD_CORE)
      const cpu = ((await row.peer.process.cpu()) - before) / seen.requests
      row.rss = await row.peer.process.kilobytes('VmRSS')
      if (round >= 0) row.rounds.push({ ...seen, cpu }) // the round before warms up
    }
  }
  // Apart from what is timed: the accounting has its cost.
  for (const row of rows.filter(({ peer }) => peer.hasHeap))
    row.heap = await heapPerRequest(row.peer.process, () => wrk(row.peer.origin, load, secondsOf(load), LOAD_CORE))
  process.stderr.write('\r'.padEnd(60) + '\r')
  const nginx = rows[0]!.rounds
  for (const row of rows) {
    const of = (get: (seen: Seen & { cpu: number }) => number): number[] => row.rounds.map(get)
    figures.push({
      load: name,
      peer: row.peer.name,
      cpu: of((seen) => seen.cpu),
      cpuRatio: row.rounds.map((seen, i) => seen.cpu / nginx[i]!.cpu),
      rate: of((seen) => (seen.requests / seen.micros) * 1e6),
      rateRatio: row.rounds.map((seen, i) => seen.requests / seen.micros / (nginx[i]!.requests / nginx[i]!.micros)),
      p50: of((seen) => seen.p50),
      p99: of((seen) => seen.p99),
      p999: of((seen) => seen.p999),
      rss: row.rss,
      heap: row.heap,
    })
  }
  console.log(table(figures.filter((figure) => figure.load === name)))
}

const results = new URL('results/', import.meta.url)
mkdirSync(results, { recursive: true })
writeFileSync(new URL('road.json', results), JSON.stringify({ rounds, seconds, figures }, null, 2))
writeFileSync(new URL('road.md', results), table(figures))
writeFileSync(new URL('road.svg', results), chart(figures))
console.log('written to bench/results/road.json, road.md and road.svg')
for (const peer of peers) await peer.process.stop()
await upstream.process.stop()
