import { manyRoutes, probe, spread, startEtcd, startGateway, Watchers, within, Writer } from './lab.ts'

const GATEWAYS = 3
const TARGET = 200

/** Three gateways on one etcd: from the commit until all of them serve it. */
export async function fleet(times = 200): Promise<boolean> {
  const etcd = await startEtcd()
  const writer = await Writer.connect(etcd)
  await writer.commit(manyRoutes(100))
  const names = Array.from({ length: GATEWAYS }, (_, i) => `gateway-${i}`)
  const gateways = await Promise.all(names.map((instance) => startGateway(etcd, { instance })))
  const watchers = gateways.map((gateway) => new Watchers(gateway.port('main'), 4, 2))
  const took: number[] = []
  let version = 0
  for (let n = 1; n <= times; n++) {
    version = await writer.commit({ 'routes/probe': probe(n) })
    const committed = performance.now()
    const all = Promise.all(watchers.map((each) => each.all(n)))
    took.push(Math.max(0, Math.max(...(await within(all, 10_000, `change ${n}`))) - committed))
    await new Promise((resolve) => setTimeout(resolve, 10 + (n % 5)))
  }
  // One look shows the whole fleet.
  let statuses = await writer.statuses()
  for (let i = 0; i < 100 && names.some((name) => statuses.get(name)?.version !== version); i++) {
    await new Promise((resolve) => setTimeout(resolve, 20))
    statuses = await writer.statuses()
  }
  for (const each of watchers) await each.stop()
  const failures = watchers.flatMap((each) => each.failures)
  const late = took.filter((ms) => ms > TARGET).length
  const agreed = names.every((name) => statuses.get(name)?.version === version)
  console.log(
    `${times} changes, ${GATEWAYS} gateways: ${spread(took)}; ${late} above ${TARGET} ms; statuses ${agreed ? 'agree' : 'DIFFER'} on version ${version}; ` +
      `${failures.length} requests failed`,
  )
  return late + failures.length === 0 && agreed
}
