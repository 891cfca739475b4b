import { TcpWire } from '../../../test/lab/tcp-wire.ts'
import { atEnd, manyRoutes, probe, startEtcd, startGateway, Watchers, within, Writer } from './lab.ts'

const CONNECTIONS = 16
/** ms from the return of etcd until the commit that came right after it serves. */
const TARGET = 1000
const ROUNDS = 5

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Each fault, several times, under load: no request may fail, and what is committed afterwards serves within a second. */
export async function faults(only = ''): Promise<boolean> {
  const etcd = await startEtcd(['--quota-backend-bytes', String(16 * 1024 * 1024)])
  const wire = await TcpWire.start({ after: atEnd }, etcd.port)
  const writer = await Writer.connect(etcd)
  await writer.commit(manyRoutes(1000))
  const gateway = await startGateway(etcd, { hosts: wire.url })
  const watchers = new Watchers(gateway.port('main'), CONNECTIONS, 1)
  let n = 0
  let isGood = true

  /** `fault` resolves when etcd is back. What is committed meanwhile must serve, too. */
  const suffer = async (what: string, fault: () => Promise<void>): Promise<void> => {
    if (!what.includes(only)) return
    const times: number[] = []
    for (let i = 0; i < ROUNDS; i++) {
      const [requests, failures] = [watchers.requests, watchers.failures.length]
      await fault()
      const back = performance.now()
      await within(commitAgain(), 10_000, 'a commit')
      times.push((await within(watchers.all(n), 20_000, `version ${n} after: ${what}`)) - back)
      if (watchers.failures.length > failures || watchers.requests === requests) isGood = false
      await pause(200)
    }
    const sorted = times.toSorted((a, b) => a - b)
    if (sorted.at(-1)! > TARGET) isGood = false
    console.log(
      `${what}, ${ROUNDS} times: serving the next commit after ${sorted.map((ms) => ms.toFixed(0)).join(', ')} ms; ` +
        `${watchers.requests} requests so far, ${watchers.failures.length} failed, ${watchers.backwards} backwards`,
    )
  }
  const commitAgain = async (): Promise<void> => {
    for (;;) {
      try {
        await writer.commit({ 'routes/probe': probe(++n) })
        return
      } catch {
        await pause(10) // the writer itself is not back yet
      }
    }
  }

  await suffer('killed for 2 s and started again', async () => {
    await etcd.kill()
    await pause(2000)
    await etcd.run()
  })
  await suffer('stopped and started', async () => {
    await etcd.stop()
    await etcd.run()
  })
  await suffer('compacted while the gateway was cut off for 1 s', async () => {
    await wire.cut()
    for (let i = 0; i < 20; i++) await writer.commit({ 'routes/probe': probe(++n) })
    await etcd.compact()
    await pause(1000)
    await wire.mend()
  })
  await suffer('cut off for 2 s', async () => {
    await wire.cut()
    await pause(2000)
    await wire.mend()
  })
  await suffer('silent for 4 s', async () => {
    etcd.freeze()
    await pause(4000)
    etcd.thaw()
  })
  await suffer('full', async () => {
    const filler = 'x'.repeat(1_000_000)
    const put = (i: number): Promise<unknown> => etcd.call('kv/put', { key: btoa(`/filler/${i}`), value: btoa(filler) })
    let isFull = false
    for (let i = 0; i < 40 && !isFull; i++)
      isFull = await put(i).then(
        () => false,
        () => true,
      )
    if (!isFull) throw new Error('etcd does not become full')
    await pause(2000)
    await etcd.call('kv/deleterange', { key: btoa('/filler/'), range_end: btoa('/filler0') })
    await etcd.compact()
    await etcd.call('maintenance/defragment', {})
    const { alarms } = await etcd.call<{ alarms: readonly object[] }>('maintenance/alarm', { action: 'GET' })
    for (const alarm of alarms) await etcd.call('maintenance/alarm', { action: 'DEACTIVATE', ...alarm })
  })
  await watchers.stop()
  return isGood && watchers.backwards === 0
}
