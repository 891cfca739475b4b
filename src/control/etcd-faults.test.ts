import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { openEtcd } from '../base/etcd-link.ts'
import { EtcdServer } from '../../test/lab/etcd.ts'
import { until } from '../../test/lab/poll.ts'
import { PREFIX, StoreProbe, temporaryDirectory } from '../../test/lab/store-probe.ts'
import { TcpWire } from '../../test/lab/tcp-wire.ts'
import { refusingPort } from '../../test/lab/upstreams.ts'

/** A third party that changes things while the gateway cannot see it. */
async function writer(test: TestContext, etcd: EtcdServer): Promise<StoreProbe> {
  return StoreProbe.start(test, { url: etcd.url, patience: 15_000 })
}

describe('an etcd store whose etcd', () => {
  it('is killed keeps its state and follows again', async (test) => {
    const etcd = await EtcdServer.start(test)
    const probe = await StoreProbe.start(test, { url: etcd.url })
    const version = await probe.write({ 'routes/a': 'one' })
    await probe.untilVersion(version)
    await etcd.kill()
    await probe.until(() => probe.away.length === 1, 'it to be missed')
    assert.match(probe.store.error!.message, /etcd does not answer at http:\/\/127\.0\.0\.1/)
    await assert.rejects(probe.write({ 'routes/a': 'two' }), { kind: 'away' })
    await etcd.run()
    await probe.until(() => probe.backs === 1, 'it to be back')
    assert.equal(probe.store.error, null)
    assert.equal(probe.states.length, 2, 'the same state is not told again')
    const next = await probe.write({ 'routes/a': 'two' })
    await probe.untilVersion(next)
    assert.equal(probe.away.length, 1)
  })

  it('is cut off, changed and compacted meanwhile tells the newest state', async (test) => {
    const etcd = await EtcdServer.start(test)
    const wire = await TcpWire.start(test, etcd.port)
    const other = await writer(test, etcd)
    let version = await other.write({ 'routes/a': 'one', 'routes/b': 'one' })
    const probe = await StoreProbe.start(test, { url: wire.url })
    await wire.cut()
    await probe.until(() => probe.away.length === 1, 'it to be missed')
    for (const text of ['two', 'three']) version = await other.write({ 'routes/a': text, 'routes/b': null }, version)
    await etcd.compact()
    const mended = performance.now()
    await wire.mend()
    await probe.untilVersion(version)
    test.diagnostic(`there after ${Math.round(performance.now() - mended)} ms`)
    assert.deepEqual([probe.items, probe.states.length], [{ 'routes/a': 'three' }, 2])
  })

  it('does not answer any more, without a word, is found again', async (test) => {
    const etcd = await EtcdServer.start(test)
    const wire = await TcpWire.start(test, etcd.port)
    const other = await writer(test, etcd)
    const probe = await StoreProbe.start(test, { url: wire.url })
    wire.freeze()
    const version = await other.write({ 'routes/a': 'one' }, 0)
    await probe.until(() => probe.away.length === 1, 'it to be missed')
    wire.thaw()
    await probe.untilVersion(version)
    assert.equal(probe.states.length, 2)
  })

  it('has a watch that is silent about a commit is read again', async (test) => {
    const etcd = await EtcdServer.start(test)
    const wire = await TcpWire.start(test, etcd.port)
    const other = await writer(test, etcd)
    const probe = await StoreProbe.start(test, { url: wire.url })
    wire.freezeOpen() // new connections work
    const version = await other.write({ 'routes/a': 'one' }, 0)
    await probe.untilVersion(version)
  })

  it('has lost its data keeps its state until there is a commit again', async (test) => {
    const etcd = await EtcdServer.start(test)
    const probe = await StoreProbe.start(test, { url: etcd.url })
    const version = await probe.write({ 'routes/a': 'one' })
    await probe.untilVersion(version)
    await etcd.kill()
    await etcd.wipe()
    await etcd.run()
    await probe.until(() => probe.store.error?.message.includes('any more') === true, 'the loss to be told')
    assert.match(probe.warnings[0]!, /etcd has no configuration below \/sluice\/edge\/ any more; version 2 stays/)
    assert.deepEqual(probe.items, { 'routes/a': 'one' })
    const states = probe.states.length
    await probe.write({ 'routes/a': 'restored' }, 0)
    await probe.until(() => probe.states.length > states, 'the new state')
    assert.deepEqual(probe.items, { 'routes/a': 'restored' })
    assert.equal(probe.store.error, null)
    const other = await writer(test, etcd)
    assert.deepEqual(other.items, probe.items)
  })

  it('is full still tells; refuses changes with a clear word; and takes them after room was made', async (test) => {
    const etcd = await EtcdServer.start(test, { more: ['--quota-backend-bytes', String(1024 * 1024)] })
    const probe = await StoreProbe.start(test, { url: etcd.url })
    const version = await probe.write({ 'routes/a': 'one' })
    await probe.untilVersion(version)
    const link = openEtcd({ hosts: [etcd.url] })
    test.after(() => link.close())
    const fill = async (): Promise<void> => {
      for (let i = 0; i < 100; i++) await link.put('/filler', 'x'.repeat(200_000))
    }
    await assert.rejects(fill(), /database space exceeded/)
    await assert.rejects(probe.write({ 'routes/a': 'two' }), (error: Error) => {
      assert.match(error.message, /etcd is full and takes no writes: compact and defragment it/)
      return true
    })
    assert.equal((await probe.store.read()).items!.get('routes/a'), 'one')
    const entry = probe.store.enter({
      instance: 'gw',
      info: { version: '1', pid: 1, host: 'h', listeners: [], started: 0 },
    })
    await probe.until(
      () => probe.warnings.some((warning) => warning.includes('etcd is full')),
      'the entry to be refused',
    )
    await etcd.compact()
    await etcd.call('maintenance/defragment', {})
    const { alarms } = await etcd.call<{ alarms: readonly object[] }>('maintenance/alarm', { action: 'GET' })
    for (const alarm of alarms) await etcd.call('maintenance/alarm', { action: 'DEACTIVATE', ...alarm })
    const next = await probe.write({ 'routes/a': 'two' })
    await probe.untilVersion(next)
    await probe.until(() => probe.store.version === next, 'the change')
    await until(async () => (await probe.store.fleet()).length === 1, 'the entry to be there')
    await entry.withdraw()
  })

  it('has forgotten what was committed is not believed before the next commit', async (test) => {
    const etcd = await EtcdServer.start(test)
    const other = await writer(test, etcd)
    const link = openEtcd({ hosts: [etcd.url] })
    test.after(() => link.close())
    const version = await other.write({ 'routes/a': 'one', 'routes/b': 'one' })
    await other.untilVersion(version)
    await link.put(`${PREFIX}/routes/a`, 'two')
    await etcd.compact()
    const fresh = new StoreProbe(test, { url: etcd.url, patience: 500 })
    await assert.rejects(
      fresh.store.start(),
      /not known any more: .*There is no local copy.*etcdctl put|etcdctl put.*no local copy/,
    )
    // Who was there knows it still, also after reading all again.
    await other.until(() => other.pending.length === 1, 'it to be told')
    await etcd.kill()
    await other.until(() => other.away.length === 1, 'it to be missed')
    await etcd.run()
    await other.until(() => other.backs === 1, 'it to be back')
    assert.deepEqual(other.items, { 'routes/a': 'one', 'routes/b': 'one' })
    const waiting = new StoreProbe(test, { url: etcd.url, patience: 15_000 })
    const started = waiting.store.start()
    await waiting.until(() => waiting.warnings.length > 0, 'the state to be found unknown')
    await link.put(`${PREFIX}/commit`, 'all of it')
    assert.deepEqual(Object.fromEntries((await started).config.items), { 'routes/a': 'two', 'routes/b': 'one' })
  })
})

describe('an etcd store that starts without its etcd', () => {
  it('takes the local copy, says so, and follows when etcd is back', async (test) => {
    const directory = await temporaryDirectory(test)
    const etcd = await EtcdServer.start(test)
    const first = await StoreProbe.start(test, { url: etcd.url, directory })
    const version = await first.write({ 'routes/a': 'one', 'routes/b': 'bad' })
    await first.untilVersion(version)
    first.store.keep(
      first.states.at(-1)!,
      new Map([
        ['routes/a', 'one'],
        ['routes/b', 'good'],
        ['routes/gone', 'still'],
      ]),
    )
    await first.store.close()
    await etcd.kill()
    const probe = new StoreProbe(test, { url: etcd.url, directory, patience: 300 })
    const { config, from, problem, copy } = await probe.store.start()
    assert.equal(from, 'copy')
    assert.match(problem!.message, /etcd does not answer/)
    assert.deepEqual(
      [config.commit.version, [...config.items]],
      [
        version,
        [
          ['routes/a', 'one'],
          ['routes/b', 'bad'],
        ],
      ],
    )
    assert.deepEqual(
      [...copy!.served],
      [
        ['routes/a', 'one'],
        ['routes/b', 'good'],
        ['routes/gone', 'still'],
      ],
    )
    await etcd.run()
    await probe.until(() => probe.backs === 1, 'etcd to be back')
    assert.equal(probe.states.length, 0, 'the same version is not told again')
    const next = await probe.write({ 'routes/a': 'two' }, version)
    await probe.untilVersion(next)
  })

  it('takes the local copy when etcd has lost its data or forgotten what was committed', async (test) => {
    const directory = await temporaryDirectory(test)
    const etcd = await EtcdServer.start(test)
    const first = await StoreProbe.start(test, { url: etcd.url, directory })
    const version = await first.write({ 'routes/a': 'one' })
    await first.untilVersion(version)
    first.store.keep(first.states.at(-1)!)
    await first.store.close()
    const link = openEtcd({ hosts: [etcd.url] })
    test.after(() => link.close())
    await link.put(`${PREFIX}/routes/a`, 'not committed')
    await etcd.compact()
    const second = await StoreProbe.start(test, { url: etcd.url, directory })
    assert.deepEqual([second.version, second.items], [version, { 'routes/a': 'one' }])
    assert.deepEqual([second.store.error, second.store.pending], [null, ['routes/a']])
    await second.store.close()
    await etcd.kill()
    await etcd.wipe()
    await etcd.run()
    const third = new StoreProbe(test, { url: etcd.url, directory })
    const { config, from, problem } = await third.store.start()
    assert.deepEqual([from, Object.fromEntries(config.items)], ['copy', { 'routes/a': 'one' }])
    assert.match(problem!.message, /etcd has no configuration below/)
  })

  it('refuses a damaged copy, one of another prefix, and says what to do', async (test) => {
    const directory = await temporaryDirectory(test)
    const url = `http://127.0.0.1:${await refusingPort()}`
    const etcd = await EtcdServer.start(test)
    const first = await StoreProbe.start(test, { url: etcd.url, directory })
    const version = await first.write({ 'routes/a': 'one' })
    await first.untilVersion(version)
    first.store.keep(first.states.at(-1)!)
    await first.store.close()
    const file = join(directory, 'last-good.jsonl')
    const good = await readFile(file, 'utf8')
    const settings = { hosts: [url], prefix: '/sluice/other' }
    const foreign = new StoreProbe(test, { url, directory, patience: 100, settings })
    await assert.rejects(foreign.store.start(), /no local copy/)
    assert.match(foreign.warnings[0]!, /it is of \/sluice\/edge, not of \/sluice\/other/)
    for (const bad of [good.replace('one', 'two'), good.slice(0, -40), good.slice(0, 20), '', '\n', 'x\n{}\n']) {
      await writeFile(file, bad)
      const probe = new StoreProbe(test, { url, directory, patience: 100 })
      await assert.rejects(probe.store.start(), /etcd does not answer at .* There is no local copy .* bring etcd back/)
      assert.match(probe.warnings[0]!, /is not used: it is damaged/)
    }
  })
})
