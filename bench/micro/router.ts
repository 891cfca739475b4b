// Time and memory of one match, beside find-my-way on the same routes and paths, in interleaved rounds.
//   scripts/bench micro/router [directory of http-routing-benchmark.json]
import { readFileSync } from 'node:fs'
import findMyWay from 'find-my-way'
import { HeaderList } from '../../src/base/headers.ts'
import type { Matchable, RoutePattern } from '../../src/contract/match.ts'
import { compileRouter } from '../../src/router/compile.ts'

const ROUNDS = 15
const MATCHES = 200_000
const NO_HEADERS = new HeaderList()

interface Table {
  readonly name: string
  readonly routes: readonly { readonly method: string; readonly path: string }[]
}

function gitHub(): Table {
  const directory = process.argv[2] ?? '../shared/routes'
  const { github } = JSON.parse(readFileSync(`${directory}/http-routing-benchmark.json`, 'utf8')) as {
    github: string[]
  }
  const routes = github.map((line) => ({ method: line.split(' ')[0]!, path: line.split(' ')[1]! }))
  return { name: `GitHub, ${routes.length} routes`, routes }
}

function generated(count: number): Table {
  const routes = Array.from({ length: count }, (_, i) => {
    const service = `service${i % 97}`
    const kinds = [
      `/api/${service}/things${i}`,
      `/api/${service}/things${i}/{id}`,
      `/api/${service}/{id}/parts${i}/{part}`,
    ]
    return { method: 'GET', path: kinds[i % kinds.length]! }
  })
  return { name: `generated, ${count} routes`, routes }
}

/** Strings as a request brings them: made at run time, not interned. */
function requests({ routes }: Table): { method: string; path: string }[] {
  return routes.map(({ method, path }, i) => ({
    method,
    path: Buffer.from(path.replaceAll(/\{\w+\}/g, () => `v${(i * 7919) % 1000}`)).toString('latin1'),
  }))
}

function request(method: string, path: string): Matchable {
  return { method, host: 'example.com', path, search: '', headers: NO_HEADERS, offsets: new Int32Array(32) }
}

/** ns and bytes per call of `run(i)`. */
function measure(run: (i: number) => void): { ns: number; bytes: number } {
  globalThis.gc!()
  const heap = process.memoryUsage().heapUsed
  const start = process.hrtime.bigint()
  for (let i = 0; i < MATCHES; i++) run(i)
  const ns = Number(process.hrtime.bigint() - start) / MATCHES
  return { ns, bytes: (process.memoryUsage().heapUsed - heap) / MATCHES }
}

function quantile(values: readonly number[], q: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * q)]!
}

for (const table of [gitHub(), generated(10_000)]) {
  const patterns: RoutePattern[] = table.routes.map(({ method, path }, i) => ({
    name: `r${i}`,
    match: { path, method },
    priority: 0,
  }))
  let start = performance.now()
  const ours = compileRouter(patterns)
  const compiled = performance.now() - start
  start = performance.now()
  const peer = findMyWay()
  for (const { method, path } of table.routes) peer.on(method as 'GET', path.replaceAll(/\{(\w+)\}/g, ':$1'), () => {})
  const peerCompiled = performance.now() - start

  const asked = requests(table)
  const xs = asked.map(({ method, path }) => request(method, path))
  for (const [i, x] of xs.entries()) {
    if (ours.match(x) < 0 || peer.find(asked[i]!.method as 'GET', asked[i]!.path) === null)
      throw new Error(`no route for ${x.path}`)
  }
  const samples = { ours: [] as number[], peer: [] as number[], bytes: [] as number[], peerBytes: [] as number[] }
  for (let round = 0; round < ROUNDS; round++) {
    const a = measure((i) => void ours.match(xs[i % xs.length]!))
    const b = measure((i) => {
      const { method, path } = asked[i % asked.length]!
      peer.find(method as 'GET', path)
    })
    samples.ours.push(a.ns)
    samples.peer.push(b.ns)
    samples.bytes.push(a.bytes)
    samples.peerBytes.push(b.bytes)
  }
  const ratios = samples.ours.map((ns, i) => ns / samples.peer[i]!)
  const shown = (values: readonly number[], digits = 0): string =>
    `${quantile(values, 0.5).toFixed(digits)} (${quantile(values, 0.1).toFixed(digits)}-${quantile(values, 0.9).toFixed(digits)})`
  console.log(`${table.name}
  ns per match      sluice ${shown(samples.ours)}   find-my-way ${shown(samples.peer)}   ratio ${shown(ratios, 2)}
  bytes per match   sluice ${quantile(samples.bytes, 0.5).toFixed(2)}   find-my-way ${quantile(samples.peerBytes, 0.5).toFixed(0)}
  compile, ms       sluice ${compiled.toFixed(1)}   find-my-way ${peerCompiled.toFixed(1)}`)
}
