// What it costs to compile a configuration: all of it, and one change of many routes. `held`: the longest that the event loop
// was not given back.
//   scripts/bench micro/compile [most routes]
import { LiveStates } from '../../src/base/live-states.ts'
import { TimerWheel } from '../../src/base/timer-wheel.ts'
import type { PluginInstance } from '../../src/chain/instance.ts'
import type { CompiledSnapshot, LiveState } from '../../src/compile/snapshot.ts'
import type { ValidConfig } from '../../src/config/load.ts'
import { compile, validate, type Validated } from '../../src/control/publish.ts'
import { builtInPlugins, createLiveState } from '../../src/live-state.ts'
import { Logs } from '../../src/telemetry/logs.ts'

const CHANGES = 200
const FULL_ROUNDS = 5

/** Hosts, parameters, plugins for all, per path and per route, as gateways for many teams have them. */
function configuration(count: number): object {
  const services = Math.max(10, count / 20)
  return {
    version: 1,
    listeners: [{ name: 'main', bind: '127.0.0.1:0' }],
    plugins: { 'request-id': 'on', 'access-log': 'on', headers: { response: { set: { 'x-frame-options': 'DENY' } } } },
    paths: {
      '/api/**': { 'body-limit': { max: '1MiB' } },
      '/api/*/items/**': { cors: { origins: ['https://shop.example.com'] } },
      '/internal/**': { 'ip-restrict': { allow: ['10.0.0.0/8'] } },
    },
    upstreams: Object.fromEntries(
      Array.from({ length: services }, (_, i) => [
        `service${i}`,
        {
          endpoints: [
            { url: `http://10.0.${i >> 8}.${i & 255}:8080` },
            { url: `http://10.1.${i >> 8}.${i & 255}:8080` },
          ],
        },
      ]),
    ),
    routes: Array.from({ length: count }, (_, i) => route(i, services)),
  }
}

function route(i: number, services: number): object {
  const service = i % services
  const path = [`/api/s${service}/items${i}/{id}`, `/api/s${service}/{id}/parts${i}`, `/static/${i}/**`][i % 3]
  return {
    name: `route${i}`,
    match: {
      path,
      ...(i % 4 === 0 ? { host: `team${i % 100}.example.com` } : {}),
      method: i % 2 === 0 ? 'GET' : ['GET', 'POST'],
    },
    upstream: `service${service}`,
    ...(i % 5 === 0 ? { plugins: { headers: { request: { set: { 'x-team': `${i % 50}` } } } } } : {}),
    ...(i % 7 === 0 && i % 3 !== 2 ? { rewrite: { stripPrefix: '/api' } } : {}),
  }
}

/** One route and its toggles are others; all else is the same objects. */
function changed({ config, toggles, defaults }: ValidConfig, i: number): ValidConfig {
  const routes = config.routes.slice()
  const own = toggles.routes.slice()
  const before = routes[i]!
  routes[i] = { ...before, match: { ...before.match, path: `/changed/${Math.random()}/{id}` } }
  own[i] = own[i]!.slice()
  return { config: { ...config, routes }, toggles: { ...toggles, routes: own }, defaults }
}

/** ms: of all, and the longest between two turns of the event loop. */
async function timed<T>(work: () => Promise<T>): Promise<{ total: number; held: number; result: T }> {
  let over = false
  let held = 0
  const start = performance.now()
  let turn = start
  const watch = (): void => {
    const now = performance.now()
    held = Math.max(held, now - turn)
    turn = now
    if (!over) setImmediate(watch)
  }
  setImmediate(watch)
  const result = await work()
  const total = performance.now() - start
  held = Math.max(held, performance.now() - turn)
  over = true
  await new Promise(setImmediate)
  return { total, held, result }
}

function quantile(values: readonly number[], q: number): string {
  return values.toSorted((a, b) => a - b)[Math.round((values.length - 1) * q)]!.toFixed(2)
}

function shown(values: readonly number[]): string {
  return `${quantile(values, 0.5)} (${quantile(values, 0)}-${quantile(values, 1)})`
}

async function newLiveState(validated: Validated): Promise<LiveState> {
  const live = createLiveState(validated.plugins, new TimerWheel(), new Logs('silent'), { serving: false })
  return { ...live, plugins: { ...live.plugins, instances: new LiveStates<PluginInstance>((one) => void one.stop()) } }
}

async function measure(count: number): Promise<void> {
  const text = JSON.stringify(configuration(count))
  const validated = await validate(text, '/bench.yaml', await builtInPlugins())
  const full = { total: [] as number[], held: [] as number[], release: [] as number[] }
  for (let round = 0; round < FULL_ROUNDS; round++) {
    const live = await newLiveState(validated)
    const { total, held, result } = await timed(() => compile(validated, 1, live, null))
    full.total.push(total)
    full.held.push(held)
    const start = performance.now()
    result.release()
    full.release.push(performance.now() - start)
  }
  console.log(`${count} routes, ms
  all           compile ${shown(full.total)}   held ${shown(full.held)}   release ${shown(full.release)}`)

  const live = await newLiveState(validated)
  let snapshot: CompiledSnapshot = await compile(validated, 1, live, null)
  let { valid } = validated
  const one = { cost: [] as number[], held: [] as number[], release: [] as number[] }
  for (let i = 0; i < CHANGES; i++) {
    valid = changed(valid, (i * 7919) % count)
    const { total, held, result } = await timed(() => compile({ ...validated, valid }, i + 2, live, snapshot))
    one.cost.push(total)
    one.held.push(held)
    const start = performance.now()
    snapshot.release()
    one.release.push(performance.now() - start)
    snapshot = result
  }
  console.log(
    `  one changed   compile ${shown(one.cost)}   held ${shown(one.held)}   release of the one before ${shown(one.release)}`,
  )
}

const most = Number(process.argv[2] ?? 10_000)
for (const count of [1000, 10_000]) if (count <= most) await measure(count)
process.exit(0)
