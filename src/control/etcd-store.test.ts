import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { openEtcd, type EtcdLink } from '../base/etcd-link.ts'
import { EtcdServer } from '../../test/lab/etcd.ts'
import { PREFIX, StoreProbe } from '../../test/lab/store-probe.ts'

async function start(test: TestContext): Promise<{ etcd: EtcdServer; link: EtcdLink; probe: StoreProbe }> {
  const etcd = await EtcdServer.start(test)
  const link = openEtcd({ hosts: [etcd.url] })
  test.after(() => link.close())
  return { etcd, link, probe: await StoreProbe.start(test, { url: etcd.url }) }
}

describe('the etcd store', () => {
  it('starts empty where nothing was ever committed, and follows', async (test) => {
    const { probe } = await start(test)
    assert.deepEqual([probe.version, probe.items], [0, {}])
    const first = await probe.write({ 'routes/a': 'one', paths: '{}' })
    await probe.untilVersion(first)
    const second = await probe.write({ 'routes/a': null, 'upstreams/u': 'two' })
    await probe.untilVersion(second)
    assert.deepEqual(probe.items, { paths: '{}', 'upstreams/u': 'two' })
    const { origin, commit } = probe.states.at(-1)!
    assert.equal(origin, 'etcd:/sluice/edge/')
    assert.deepEqual([commit.author, commit.message, commit.version], ['test', 'a change', second])
    assert.ok(Math.abs(Date.now() - commit.time) < 60_000)
  })

  it('gives a second gateway the same state', async (test) => {
    const { etcd, probe } = await start(test)
    const version = await probe.write({ 'routes/a': 'one', 'routes/b': 'two' })
    const other = await StoreProbe.start(test, { url: etcd.url })
    assert.deepEqual([other.version, other.items], [version, { 'routes/a': 'one', 'routes/b': 'two' }])
  })

  it('never shows a part of a change, whoever makes it in however many steps', async (test) => {
    const { etcd, link, probe } = await start(test)
    const names = Array.from({ length: 30 }, (_, i) => `routes/${i}`)
    for (let round = 0; round < 20; round++) {
      // In thirds, one key at a time, and then the marker: as somebody does it by hand.
      for (const third of [0, 1, 2]) {
        for (const name of names.slice(third * 10, third * 10 + 10)) await link.put(`${PREFIX}/${name}`, String(round))
        if (round % 5 === 0) {
          const fresh = await StoreProbe.start(test, { url: etcd.url })
          const texts = new Set(Object.values(fresh.items))
          assert.ok(texts.size <= 1, `a fresh gateway sees ${[...texts].join(' and ')}`)
          await fresh.store.close()
        }
      }
      await link.put(`${PREFIX}/commit`, `round ${round}`)
    }
    await probe.until(() => probe.states.at(-1)!.commit.message === 'round 19', 'the last round')
    for (const { items, commit } of probe.states.slice(1)) {
      assert.deepEqual([...new Set(items.values())], [commit.message.slice('round '.length)])
      assert.equal(items.size, 30)
    }
  })

  it('shows a change of a thousand items whole', async (test) => {
    const { etcd, probe } = await start(test)
    const all = (text: string): Record<string, string> =>
      Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`routes/${i}`, text]))
    const first = await probe.write(all('one'))
    await probe.untilVersion(first)
    const writing = probe.write(all('two'))
    const others: StoreProbe[] = []
    for (let i = 0; i < 5; i++) others.push(await StoreProbe.start(test, { url: etcd.url }))
    const second = await writing
    await probe.untilVersion(second)
    for (const { items } of [probe, ...others].flatMap(({ states }) => states.slice(-2)))
      assert.ok(new Set(items.values()).size <= 1)
    for (const other of others) await other.untilVersion(second)
    assert.deepEqual(probe.items, all('two'))
  })

  it('tells versions in order, whole, and none twice, while writers hurry', async (test) => {
    const { link, probe } = await start(test)
    const end = performance.now() + 2000
    let [count, last] = [0, 0]
    // Each writes as fast as it can; one change has two items and the marker.
    const hurry = async (): Promise<void> => {
      while (performance.now() < end) {
        const value = String(count++)
        const puts = ['routes/a', 'upstreams/b', 'commit'].map((name) => ({ put: `${PREFIX}/${name}`, value }))
        const { revision } = await link.transact({ when: [], operations: puts })
        last = Math.max(last, revision)
      }
    }
    await Promise.all(Array.from({ length: 8 }, hurry))
    await probe.untilVersion(last)
    const versions = probe.states.map(({ commit }) => commit.version)
    for (const [i, version] of versions.slice(1).entries()) assert.ok(version > versions[i]!)
    for (const { items, commit } of probe.states.slice(1))
      assert.deepEqual([...items.values()], [commit.message, commit.message])
    test.diagnostic(`${count} commits in two seconds, ${versions.length - 1} told`)
  })

  it('leaves what nobody has committed, and says so', async (test) => {
    const { link, probe } = await start(test)
    const version = await probe.write({ 'routes/a': 'one' })
    await probe.untilVersion(version)
    await link.put(`${PREFIX}/routes/a`, 'by hand')
    await link.put(`${PREFIX}/routes/b`, 'by hand')
    await probe.until(() => probe.pending.length === 2, 'both to be told')
    assert.deepEqual(probe.pending, ['routes/a', 'routes/b'])
    assert.deepEqual([probe.version, probe.items], [version, { 'routes/a': 'one' }])
    await link.put(`${PREFIX}/commit`, '{"author":"me","message":"by hand","time":1}')
    await probe.until(() => probe.version > version, 'the commit')
    assert.deepEqual(probe.items, { 'routes/a': 'by hand', 'routes/b': 'by hand' })
    await probe.until(() => probe.pending.length === 0, 'the end of it')
  })

  it('finds what was committed among what was not, when it starts', async (test) => {
    const { etcd, link, probe } = await start(test)
    const version = await probe.write({ 'routes/a': 'one', 'routes/b': 'two' })
    await link.put(`${PREFIX}/routes/a`, 'not committed')
    await link.delete(`${PREFIX}/routes/b`)
    const other = await StoreProbe.start(test, { url: etcd.url })
    assert.deepEqual([other.version, other.items], [version, { 'routes/a': 'one', 'routes/b': 'two' }])
    assert.deepEqual(other.store.pending, ['routes/a', 'routes/b'])
    const { items, pending } = await other.store.read()
    assert.deepEqual([...items!], [...other.states[0]!.items])
    assert.deepEqual(Object.fromEntries(pending), { 'routes/a': 'not committed', 'routes/b': null })
  })

  it('takes no notice of statuses and endpoints, and tells of keys that mean nothing once', async (test) => {
    const { link, probe } = await start(test)
    for (const name of ['status/a', 'instances/a', 'endpoints/u/1', 'routs/a', 'routs/a', 'routes/']) {
      await link.put(`${PREFIX}/${name}`, 'x')
    }
    await probe.write({ 'routes/a': 'one' })
    await probe.until(() => probe.states.length === 2, 'the commit')
    assert.deepEqual(probe.items, { 'routes/a': 'one' })
    assert.equal(probe.warnings.length, 2)
    assert.match(probe.warnings[0]!, /"routs\/a" in etcd means nothing; expected/)
  })

  it('passes over an item that is too large', async (test) => {
    const { link, probe } = await start(test)
    const version = await probe.write({ 'routes/a': 'one' })
    await probe.untilVersion(version)
    await link.put(`${PREFIX}/routes/a`, 'x'.repeat(1024 * 1024 + 1))
    await link.put(`${PREFIX}/commit`, '')
    await probe.until(() => probe.version > version, 'the commit')
    assert.deepEqual(probe.items, { 'routes/a': 'one' })
    assert.match(probe.warnings[0]!, /more than 1048576 characters; it stays/)
  })

  it('reads items that do not fit into one message together', async (test) => {
    const { etcd, probe } = await start(test)
    const text = 'x'.repeat(1_000_000)
    const items = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`routes/${i}`, text]))
    const version = await probe.write(items)
    await probe.untilVersion(version)
    const other = await StoreProbe.start(test, { url: etcd.url, patience: 15_000 })
    assert.equal(other.states[0]!.items.size, 40)
  })

  it('knows its history as far as etcd does', async (test) => {
    const { etcd, probe } = await start(test)
    const versions: number[] = []
    for (const text of ['one', 'two', 'three']) {
      versions.push(await probe.write({ 'routes/a': text }, versions.at(-1) ?? 0))
    }
    assert.deepEqual(
      (await probe.store.history(2)).map(({ version }) => version),
      versions.slice(1).toReversed(),
    )
    const { items, commit } = await probe.store.read(versions[0])
    assert.deepEqual([[...items!], commit.version], [[['routes/a', 'one']], versions[0]])
    await assert.rejects(probe.store.read(versions[2]! + 100), /does not know version/)
    await etcd.compact()
    await assert.rejects(probe.store.read(versions[0]), /any more/)
    assert.equal((await probe.store.history(10)).length, 1)
  })
})
