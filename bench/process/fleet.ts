// How long workers take to switch together: one route of many changes, all workers prepare it and activate it.
// scripts/bench process/fleet [ROUTES] [WORKERS] [CHANGES]
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { parseDocument } from '../../src/config/document.ts'
import { loadConfig, type ValidConfig } from '../../src/config/load.ts'
import type { Candidate } from '../../src/control/serving.ts'
import { builtInPlugins } from '../../src/live-state.ts'
import { encodeConfig } from '../../src/process/config-delta.ts'
import { Fleet } from '../../src/process/fleet.ts'
import { WorkerProcess } from '../../src/process/worker-process.ts'
import { Logs } from '../../src/telemetry/logs.ts'
import { Metrics } from '../../src/telemetry/metrics.ts'

const [count = 1000, workers = 4, changes = 50] = process.argv.slice(2).map(Number)
const FILE = 'gateway.yaml'
const builtIn = await builtInPlugins()
const plugins = new Map(builtIn.map((plugin) => [plugin.name, plugin]))

function load(): ValidConfig {
  const routes = Array.from(
    { length: count },
    (_, i) =>
      `  - { name: r${i}, match: { path: "/r/${i}/{id}", method: GET }, upstream: u${i % 100}, plugins: { headers: { response: { set: { x-route: "${i}" } } } } }`,
  )
  const upstreams = Array.from(
    { length: 100 },
    (_, i) => `  u${i}: { endpoints: [{ url: "http://127.0.0.1:${9000 + i}" }] }`,
  )
  const text = `version: 1
listeners: [{ name: public, bind: "127.0.0.1:0" }]
upstreams:
${upstreams.join('\n')}
plugins: { request-id: {} }
routes:
${routes.join('\n')}
`
  const loaded = loadConfig(parseDocument(text, FILE, {}), plugins)
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems.slice(0, 3)))
  return loaded.config
}

function changed(valid: ValidConfig, at: number, version: number): ValidConfig {
  const route = { ...valid.config.routes[at]!, upstream: `u${version % 100}` }
  return { ...valid, config: { ...valid.config, routes: valid.config.routes.with(at, route) } }
}

function at(share: number, sorted: readonly number[]): string {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!.toFixed(1)
}

function tell(name: string, times: readonly number[]): void {
  const sorted = times.toSorted((a, b) => a - b)
  console.log(`${name.padEnd(28)} median ${at(0.5, sorted)} ms   p99 ${at(0.99, sorted)} ms`)
}

/** CPU ms of all workers so far: it tells the same on a busy machine. */
async function cpu(): Promise<number> {
  const each = fleet.workers.map(async ({ pid }) => {
    const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]!.split(' ')
    return (Number(fields[11]) + Number(fields[12])) * 10
  })
  return (await Promise.all(each)).reduce((sum, ms) => sum + ms, 0)
}

const sockets = await mkdtemp(join(tmpdir(), 'sluice-bench-'))
let launches = 0
const fleet = new Fleet({
  count: workers,
  log: new Logs('warn').log,
  metrics: new Metrics(),
  stale() {},
  inherited: () => ({}),
  launch() {
    const admin = join(sockets, `${++launches}.sock`)
    const entry = new URL('../../src/worker.ts', import.meta.url).pathname
    return new WorkerProcess({ entry, argv: [admin, FILE], env: { LOG_LEVEL: 'warn' }, admin })
  },
})
let valid = load()
const serve = async (version: number): Promise<[prepare: number, activate: number]> => {
  const validated = {
    valid,
    plugins,
    pluginDirectories: [],
    file: FILE,
    warnings: [],
    rejected: [],
    lint: () => Promise.resolve([]),
  }
  const candidate: Candidate = { validated, version, why: 'bench' }
  const begin = performance.now()
  const prepared = await fleet.prepare(candidate)
  const ready = performance.now()
  await prepared.activate()
  return [ready - begin, performance.now() - ready]
}
const [first] = await serve(1)
console.log(`${count} routes, ${workers} workers; the first configuration took ${Math.round(first)} ms`)
const encoding: number[] = []
const preparing: number[] = []
const activating: number[] = []
const cpuBefore = await cpu()
for (let version = 2; version < 2 + changes; version++) {
  const next = changed(valid, (version * 7919) % count, version)
  const begin = performance.now()
  await encodeConfig(valid, next, plugins.keys())
  encoding.push(performance.now() - begin)
  valid = next
  const [prepare, activate] = await serve(version)
  preparing.push(prepare)
  activating.push(activate)
}
const cpuAfter = await cpu()
console.log(`CPU of a worker for one change ${((cpuAfter - cpuBefore) / workers / changes).toFixed(1)} ms`)
tell('what has changed, encoded', encoding)
tell('prepared by all', preparing)
tell('activated by all', activating)
tell(
  'both',
  preparing.map((time, i) => time + activating[i]!),
)
await fleet.stop(0)
await rm(sockets, { recursive: true, force: true })
process.exit(0)
