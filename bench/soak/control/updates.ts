import { manyRoutes, probe, startEtcd, startGateway, Watchers, within, Writer } from './lab.ts'

const CONNECTIONS = 32
/** Many commits a second: each applied in order or skipped for a newer one, and the last one serves in the end. */
export async function updates(count = 10_000, perSecond = 500, workers = 2): Promise<boolean> {
  const etcd = await startEtcd()
  const writer = await Writer.connect(etcd)
  await writer.commit(manyRoutes(100))
  const gateway = await startGateway(etcd, { workers })
  const watchers = new Watchers(gateway.port('main'), CONNECTIONS, 2)
  const start = performance.now()
  for (let n = 1; n <= count; n++) {
    const due = start + (n * 1000) / perSecond
    const early = due - performance.now()
    if (early > 1) await new Promise((resolve) => setTimeout(resolve, early))
    // One after the other: etcd may change the order of what comes at once.
    await writer.commit({ 'routes/probe': probe(n) })
  }
  const wrote = (performance.now() - start) / 1000
  const committed = performance.now()
  const settled = (await within(watchers.all(count), 30_000, 'the last version')) - committed
  await watchers.stop()
  const versions = gateway.output
    .split('\n')
    .filter((line) => line.includes('"configuration reloaded"'))
    .map((line) => (JSON.parse(line) as { version: number }).version)
  const disordered = versions.filter((version, i) => i > 0 && version <= versions[i - 1]!).length
  const rejected = gateway.output.split('\n').filter((line) => line.includes('rejected')).length
  console.log(
    `${count} commits in ${wrote.toFixed(1)} s (${Math.round(count / wrote)}/s), ${versions.length} versions served, ${disordered} out of order, ` +
      `${rejected} rejected; the last one serves ${settled.toFixed(0)} ms after its commit; ${watchers.requests} requests, ` +
      `${watchers.failures.length} failed, ${watchers.backwards} backwards`,
  )
  return disordered + rejected + watchers.failures.length + watchers.backwards === 0
}
