import type { Gateway } from '../../lab.ts'
import { manyRoutes, probe, route, spread, startEtcd, startGateway, Watchers, within, Writer } from './lab.ts'

const CHANGES = 50
const TARGET = 20
/** ms after which a gateway forgets half of the lag that it remembers, when it is asked. */
const MEMORY = 10_500

interface Stats {
  readonly process: { readonly loopLag: { readonly p99: number; readonly max: number } }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** ms by which the loops of those who serve were late, of the last 10 to 20 seconds. */
async function lag(gateway: Gateway, workers: number): Promise<string> {
  const each = await Promise.all(
    Array.from({ length: workers }, async (_, i) => {
      const query = workers === 1 ? '' : `?worker=${i + 1}`
      const stats = await fetch(`http://127.0.0.1:${gateway.port('admin')}/admin/v1/stats${query}`)
      return ((await stats.json()) as Stats).process.loopLag
    }),
  )
  const most = each.reduce((a, b) => (a.max > b.max ? a : b))
  worst = most.max
  return `loop late by at most ${most.max.toFixed(1)} ms (p99 ${most.p99.toFixed(1)})`
}

let worst = 0

async function forget(gateway: Gateway, workers: number): Promise<void> {
  for (let i = 0; i < 2; i++) {
    await pause(MEMORY)
    await lag(gateway, workers)
  }
}

/** Ten thousand routes arrive while requests are served; then one of them changes at a time. */
export async function large(routes = 10_000, workers = 1): Promise<boolean> {
  const etcd = await startEtcd()
  const writer = await Writer.connect(etcd)
  await writer.commit(manyRoutes(10))
  const gateway = await startGateway(etcd, { workers })
  const watchers = new Watchers(gateway.port('main'), 8, 2)
  await forget(gateway, workers)
  console.log(`${workers} workers, nothing changes: ${await lag(gateway, workers)}`)
  await writer.commit({ ...manyRoutes(routes), 'routes/probe': probe(1) })
  const committed = performance.now()
  const took = (await within(watchers.all(1), 60_000, 'the routes')) - committed
  console.log(`${routes} routes at once: serving after ${took.toFixed(0)} ms, ${await lag(gateway, workers)}`)
  const all = worst
  await forget(gateway, workers)
  const times: number[] = []
  for (let n = 2; n < 2 + CHANGES; n++) {
    await writer.commit({ 'routes/probe': probe(n), [`routes/team-${n * 7}`]: route(n * 7, n) })
    const at = performance.now()
    times.push(Math.max(0, (await within(watchers.all(n), 10_000, `change ${n}`)) - at))
    await pause(50)
  }
  console.log(`one of ${routes} at a time: ${spread(times)}, ${await lag(gateway, workers)}`)
  await watchers.stop()
  console.log(`${watchers.requests} requests, ${watchers.failures.length} failed`)
  return Math.max(all, worst) <= TARGET && watchers.failures.length === 0
}
