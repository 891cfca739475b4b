import { manyRoutes, probe, route, spread, startEtcd, startGateway, Watchers, within, Writer } from './lab.ts'

const CONNECTIONS = 16
const TARGET = { median: 20, p99: 100 }

/** From the moment at which etcd has said that it has the commit until every connection is answered by it. */
export async function latency(changes = 300, routes = 1000, workers = 2): Promise<boolean> {
  const etcd = await startEtcd()
  const writer = await Writer.connect(etcd)
  await writer.commit(manyRoutes(routes))
  const gateway = await startGateway(etcd, { workers })
  const watchers = new Watchers(gateway.port('main'), CONNECTIONS, 1)
  const times: number[] = []
  for (let n = 1; n <= changes; n++) {
    // Another route changes as well, so that a change is not always the same.
    await writer.commit({ 'routes/probe': probe(n), [`routes/team-${n % routes}`]: route(n % routes, n) })
    const committed = performance.now()
    times.push(Math.max(0, (await within(watchers.all(n), 10_000, `version ${n}`)) - committed))
    await new Promise((resolve) => setTimeout(resolve, 20 + (n % 7)))
  }
  await watchers.stop()
  const sorted = times.toSorted((a, b) => a - b)
  console.log(
    `${changes} changes, ${routes} routes, ${workers} workers: ${spread(times)}; ${watchers.requests} requests, ` +
      `${watchers.failures.length} failed, ${watchers.backwards} backwards`,
  )
  const median = sorted[Math.floor(sorted.length / 2)]!
  const p99 = sorted[Math.floor(sorted.length * 0.99)]!
  return median <= TARGET.median && p99 <= TARGET.p99 && watchers.failures.length + watchers.backwards === 0
}
