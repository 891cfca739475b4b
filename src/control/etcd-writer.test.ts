import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { openEtcd, type EtcdLink } from '../base/etcd-link.ts'
import { EtcdServer } from '../../test/lab/etcd.ts'
import { until } from '../../test/lab/poll.ts'
import { PREFIX, StoreProbe } from '../../test/lab/store-probe.ts'
import { TcpWire } from '../../test/lab/tcp-wire.ts'
import { RefusedChange, VersionConflict } from './shared-store.ts'

async function start(test: TestContext): Promise<{ etcd: EtcdServer; link: EtcdLink; probe: StoreProbe }> {
  const etcd = await EtcdServer.start(test)
  const link = openEtcd({ hosts: [etcd.url] })
  test.after(() => link.close())
  return { etcd, link, probe: await StoreProbe.start(test, { url: etcd.url }) }
}

const MANY = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`routes/${i}`, 'one']))

describe('a change of the shared configuration', () => {
  it('that is based on an older version is a conflict, which names the newest', async (test) => {
    const { probe } = await start(test)
    const version = await probe.write({ 'routes/a': 'one' }, 0)
    await assert.rejects(probe.write({ 'routes/b': 'two' }, 0), (error: VersionConflict) => {
      assert.ok(error instanceof VersionConflict)
      assert.equal(error.latest, version)
      return true
    })
    await assert.rejects(probe.write(MANY, 0), VersionConflict)
    await assert.rejects(probe.write({ 'routes/b': 'two' }, version + 1), VersionConflict)
    const { items } = await probe.store.read()
    assert.deepEqual([...items!], [['routes/a', 'one']])
  })

  it('is made by one of many that try at once', async (test) => {
    const { probe } = await start(test)
    const tries = Array.from({ length: 20 }, (_, i) => probe.write({ 'routes/a': String(i) }, 0))
    const results = await Promise.allSettled(tries)
    const made = results.flatMap((result, i) => (result.status === 'fulfilled' ? [String(i)] : []))
    assert.equal(made.length, 1)
    assert.ok(results.every((one) => one.status === 'fulfilled' || one.reason instanceof VersionConflict))
    assert.equal((await probe.store.read()).items!.get('routes/a'), made[0])
  })

  it('needs no store that follows', async (test) => {
    const { etcd } = await start(test)
    const tool = new StoreProbe(test, { url: etcd.url })
    const version = await tool.write({ 'routes/a': 'one' }, 0)
    await tool.write({ ...MANY, 'routes/a': null }, version)
    assert.equal((await tool.store.read()).items!.size, 500)
    assert.equal(tool.states.length, 0)
  })

  it('is refused while changes of others wait, unless it covers them', async (test) => {
    const { etcd, link, probe } = await start(test)
    const version = await probe.write({ 'routes/a': 'one', 'routes/b': 'one' }, 0)
    await probe.untilVersion(version)
    await link.put(`${PREFIX}/routes/x`, 'by hand')
    await link.delete(`${PREFIX}/routes/b`)
    await probe.until(() => probe.pending.length === 2, 'them to be told')
    const tool = new StoreProbe(test, { url: etcd.url })
    for (const { store } of [probe, tool]) {
      const change = { base: version, author: 'a', message: '' }
      await assert.rejects(store.write({ ...change, items: new Map([['routes/a', 'two']]) }), (error: Error) => {
        assert.ok(error instanceof RefusedChange)
        assert.match(error.message, /somebody else wait for a commit: routes\/b, routes\/x;/)
        return true
      })
    }
    const { items, pending } = await tool.store.read()
    // What a tool does that puts back what was there.
    const back = Object.fromEntries([...pending.keys()].map((name) => [name, items!.get(name) ?? null]))
    const next = await probe.write({ ...back, 'routes/a': 'two' }, version)
    await probe.untilVersion(next)
    assert.deepEqual(probe.items, { 'routes/a': 'two', 'routes/b': 'one' })
  })

  it('is refused when somebody changes something at the very moment', async (test) => {
    const { link, probe } = await start(test)
    const results = await Promise.allSettled([
      link.put(`${PREFIX}/routes/x`, 'by hand'),
      probe.write({ 'routes/a': 'one' }, 0),
    ])
    if (results[1].status === 'fulfilled') return // it came first
    assert.match(String(results[1].reason), /wait for a commit: routes\/x/)
  })

  it('waits for nobody who has the lock, and gets past one who died', async (test) => {
    const { link, probe } = await start(test)
    const lease = await link.grantLease(1, () => {})
    await link.put(`${PREFIX}/lock`, '{"author":"bob"}', lease)
    await link.put(`${PREFIX}/routes/0`, 'half')
    for (const items of [{ 'routes/0': 'one' }, MANY])
      await assert.rejects(probe.write(items, 0), /bob makes a large change just now/)
    const tool = await probe.store.read()
    assert.equal(tool.lock, '{"author":"bob"}')
    lease.abandon() // as when the process has died
    await probe.until(() => probe.pending.length === 1, 'the lock to end')
    assert.deepEqual(probe.items, {})
    const version = await probe.write(MANY, 0)
    await probe.untilVersion(version)
    assert.deepEqual(probe.items, MANY)
  })

  it('of many items that dies in the middle shows nothing, and the same change again makes it whole', async (test) => {
    const { etcd, probe } = await start(test)
    const wire = await TcpWire.start(test, etcd.port)
    const tool = new StoreProbe(test, { url: wire.url })
    const big = Object.fromEntries(Array.from({ length: 8000 }, (_, i) => [`routes/${i}`, 'x'.repeat(500)]))
    const writing = assert.rejects(tool.write(big, 0), { kind: 'away' })
    await until(() => probe.store.pending.length > 0, 'a part of it')
    await wire.cut()
    await writing
    assert.deepEqual(probe.items, {})
    const { pending } = await probe.store.read()
    assert.ok(pending.size < 8000)
    await probe.until(() => probe.pending.length > 0, 'the lock to end, and the rest to be told')
    const version = await probe.write(big, 0)
    await probe.untilVersion(version)
    assert.equal(probe.states.at(-1)!.items.size, 8000)
  })

  for (const [what, items, message] of [
    ['no item', { commit: 'x' }, /"commit" is no item/],
    ['a key without a name', { 'routes/': 'x' }, /is no item; expected paths, plugins, routes\/NAME/],
    ['a text that is too large', { 'routes/a': 'x'.repeat(1024 * 1024 + 1) }, /more than 1048576/],
  ] as const) {
    it(`is refused with ${what}`, async (test) => {
      const { probe } = await start(test)
      await assert.rejects(probe.write(items, 0), (error: Error) => {
        assert.ok(error instanceof RefusedChange)
        assert.match(error.message, message)
        return true
      })
    })
  }

  it('may be large in bytes rather than in number', async (test) => {
    const { probe } = await start(test)
    const items = Object.fromEntries(Array.from({ length: 5 }, (_, i) => [`routes/${i}`, '€'.repeat(300_000)]))
    const version = await probe.write(items, 0)
    await probe.untilVersion(version)
    assert.deepEqual(probe.items, items)
  })
})
