import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { openEtcd, type EtcdLink } from '../base/etcd-link.ts'
import { EtcdServer } from '../../test/lab/etcd.ts'
import { until } from '../../test/lab/poll.ts'
import { PREFIX, StoreProbe } from '../../test/lab/store-probe.ts'
import type { FleetEntryOptions } from './fleet-entry.ts'
import type { InstanceStatus } from './fleet.ts'

const INFO = {
  region: 'eu',
  zone: 'a',
  version: '1.0',
  pid: 7,
  host: 'h',
  admin: '127.0.0.1:9901',
  listeners: ['0.0.0.0:80'],
  started: 5,
}

function entryOf(instance: string, more: Partial<FleetEntryOptions> = {}): FleetEntryOptions {
  return { instance, info: INFO, ...more }
}

function serving(version: number): InstanceStatus {
  return { version, state: 'serving', errors: [], seen: version, since: 1 }
}

async function start(test: TestContext): Promise<{ etcd: EtcdServer; link: EtcdLink; probe: StoreProbe }> {
  const etcd = await EtcdServer.start(test)
  const link = openEtcd({ hosts: [etcd.url] })
  test.after(() => link.close())
  return { etcd, link, probe: new StoreProbe(test, { url: etcd.url }) }
}

/** Waits for what the fleet says. */
async function untilFleet(probe: StoreProbe, expected: Readonly<Record<string, number | null>>): Promise<void> {
  await until(
    async () => {
      const fleet = await probe.store.fleet().catch(() => [])
      const seen = Object.fromEntries(fleet.map(({ instance, status }) => [instance, status?.version ?? null]))
      return JSON.stringify(seen) === JSON.stringify(expected)
    },
    `the fleet to be ${JSON.stringify(expected)}`,
  )
}

describe('an entry in the fleet', () => {
  it('says who a gateway is and what it serves, until it is withdrawn', async (test) => {
    const { etcd, probe } = await start(test)
    const [one, two] = [probe.store.enter(entryOf('gw-1')), probe.store.enter(entryOf('gw-2'))]
    one.update(serving(3))
    await untilFleet(probe, { 'gw-1': 3, 'gw-2': null })
    const errors = Array.from({ length: 30 }, (_, i) => `${i} ${'x'.repeat(1000)}`)
    two.update({ ...serving(3), state: 'rejected', seen: 4, errors })
    await untilFleet(probe, { 'gw-1': 3, 'gw-2': 3 })
    const [first, second] = await new StoreProbe(test, { url: etcd.url }).store.fleet()
    assert.deepEqual(first, { instance: 'gw-1', status: serving(3), info: INFO })
    assert.deepEqual([second!.status!.state, second!.status!.seen], ['rejected', 4])
    assert.equal(second!.status!.errors.length, 21)
    assert.equal(second!.status!.errors.at(-1), 'and 10 more')
    assert.ok(second!.status!.errors.every((error) => error.length <= 500))
    await one.withdraw()
    await one.withdraw()
    await untilFleet(probe, { 'gw-2': 3 })
    one.update(serving(9))
    await two.withdraw()
    assert.deepEqual(await probe.store.fleet(), [])
  })

  it('is written at a bounded pace, the latest last', async (test) => {
    const { link, probe } = await start(test)
    const entry = probe.store.enter(entryOf('gw'))
    await untilFleet(probe, { gw: null })
    let writes = 0
    const watch = link.watchPrefix(`${PREFIX}/status/`, 1, { changed: ({ length }) => (writes += length), ended() {} })
    const begun = performance.now()
    for (let version = 1; version <= 2000; version++) {
      entry.update(serving(version))
      if (version % 20 === 0) await setImmediate()
    }
    await untilFleet(probe, { gw: 2000 })
    watch.close()
    const most = 2 + (performance.now() - begun) / 50
    assert.ok(writes <= most, `${writes} writes, at most ${most}`)
    await entry.withdraw()
  })

  it('comes back when etcd has forgotten it, was away, or somebody has deleted it', async (test) => {
    const { etcd, link, probe } = await start(test)
    const entry = probe.store.enter(entryOf('gw', { lease: 2 }))
    entry.update(serving(1))
    await untilFleet(probe, { gw: 1 })
    await etcd.kill()
    entry.update(serving(2))
    await etcd.wipe()
    await etcd.run()
    await untilFleet(probe, { gw: 2 })
    for (const name of ['status', 'instances']) {
      await link.delete(`${PREFIX}/${name}/gw`)
      await untilFleet(probe, { gw: 2 })
    }
    await entry.withdraw()
    assert.deepEqual(await probe.store.fleet(), [])
  })

  it('goes by itself when the gateway ends without a word', async (test) => {
    const { etcd, probe } = await start(test)
    const other = new StoreProbe(test, { url: etcd.url })
    other.store.enter(entryOf('gw', { lease: 1 })).update(serving(1))
    await untilFleet(probe, { gw: 1 })
    await other.store.close()
    await untilFleet(probe, {})
  })

  it('passes from one process to the next of the same name', async (test) => {
    const { etcd, probe } = await start(test)
    const other = new StoreProbe(test, { url: etcd.url })
    const old = probe.store.enter(entryOf('gw', { lease: 2 }))
    old.update(serving(1))
    await untilFleet(probe, { gw: 1 })
    const young = other.store.enter(entryOf('gw', { lease: 2, info: { ...INFO, pid: 8 } }))
    young.update(serving(2))
    await untilFleet(probe, { gw: 2 })
    young.update(serving(3))
    await untilFleet(probe, { gw: 3 })
    // What the old one says at the end does not take the place of what the young one has said.
    old.update(serving(9))
    await setImmediate()
    await old.withdraw()
    const [member] = await other.store.fleet()
    assert.deepEqual([member?.info?.pid, member?.status?.version], [8, 3])
    await young.withdraw()
    assert.deepEqual([...probe.warnings, ...other.warnings], [])
  })

  it('warns both gateways that have the same name for long', async (test) => {
    const { etcd, probe } = await start(test)
    const other = new StoreProbe(test, { url: etcd.url })
    const entries = [probe, other].map(({ store }) => store.enter(entryOf('gw', { lease: 1 })))
    for (const one of [probe, other]) {
      await one.until(() => one.warnings.length === 1, 'the warning')
      assert.match(one.warnings[0]!, /another gateway calls itself "gw" too/)
    }
    for (const entry of entries) await entry.withdraw()
  })

  it('does not hold up the end of a gateway when etcd does not answer', async (test) => {
    const { etcd, probe } = await start(test)
    const entry = probe.store.enter(entryOf('gw'))
    await untilFleet(probe, { gw: null })
    etcd.freeze()
    entry.update(serving(1))
    const begun = performance.now()
    await entry.withdraw()
    assert.ok(performance.now() - begun < 10_000)
    etcd.thaw()
  })

  it('that is malformed does not hide the others', async (test) => {
    const { link, probe } = await start(test)
    await link.put(`${PREFIX}/status/a`, 'x')
    await link.put(`${PREFIX}/status/b`, '{"version":"1"}')
    await link.put(`${PREFIX}/instances/b`, '{"pid":"1","listeners":[1,"x"]}')
    await link.put(`${PREFIX}/status/c`, '{"version":1,"state":"serving"}')
    assert.deepEqual(await probe.store.fleet(), [
      { instance: 'a', status: null, info: null },
      { instance: 'b', status: null, info: { version: '', pid: 0, host: '', listeners: ['x'], started: 0 } },
      { instance: 'c', status: { version: 1, state: 'serving', errors: [], seen: 1, since: 0 }, info: null },
    ])
  })
})
