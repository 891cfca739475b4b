import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { EtcdServer } from '../../test/lab/etcd.ts'
import { refusingPort } from '../../test/lab/upstreams.ts'
import { openEtcd, type EtcdEvent, type EtcdLink } from './etcd-link.ts'

async function start(test: TestContext, more: readonly string[] = []): Promise<{ etcd: EtcdServer; link: EtcdLink }> {
  const etcd = await EtcdServer.start(test)
  const link = openEtcd({ hosts: [etcd.url, ...more] })
  test.after(() => link.close())
  return { etcd, link }
}

/** The first so many events from a revision on. */
function events(link: EtcdLink, prefix: string, revision: number, count: number): Promise<readonly EtcdEvent[]> {
  return new Promise((resolve, reject) => {
    const seen: EtcdEvent[] = []
    const watch = link.watchPrefix(prefix, revision, {
      changed(some) {
        seen.push(...some)
        if (seen.length < count) return
        watch.close()
        resolve(seen)
      },
      ended: reject,
    })
  })
}

describe('the link to etcd', () => {
  it('reads a prefix and nothing beside it', async (test) => {
    const { link } = await start(test)
    for (const key of ['/a', '/a/', '/a/1', '/a/é', '/a0', '/b']) await link.put(key, `of ${key}`)
    const { entries, more, revision } = await link.readPrefix('/a/', 10)
    assert.deepEqual(entries, [
      { key: '/a/', value: 'of /a/', revision: 3 },
      { key: '/a/1', value: 'of /a/1', revision: 4 },
      { key: '/a/é', value: 'of /a/é', revision: 5 },
    ])
    assert.deepEqual([more, revision], [false, 7])
    const cut = await link.readPrefix('/a/', 2)
    assert.deepEqual([cut.entries.length, cut.more], [2, true])
  })

  it('watches a prefix from a revision on', async (test) => {
    const { link } = await start(test)
    await link.put('/a/1', 'one')
    await link.put('/b/1', 'other')
    await link.delete('/a/1')
    assert.deepEqual(await events(link, '/a/', 2, 2), [
      { key: '/a/1', value: 'one', revision: 2 },
      { key: '/a/1', value: null, revision: 4 },
    ])
  })

  it('says that a watch has ended: compacted, or the server is gone', async (test) => {
    const { etcd, link } = await start(test)
    for (let i = 0; i < 3; i++) await link.put('/a/1', String(i))
    await etcd.compact()
    await assert.rejects(events(link, '/a/', 1, 1), /compacted its history up to revision 4/)
    const lost = assert.rejects(events(link, '/a/', 4, 2), /UNAVAILABLE/)
    await events(link, '/a/', 4, 1)
    await etcd.kill()
    await lost
    await assert.rejects(events(link, '/a/', 1, 1), /UNAVAILABLE/)
  })

  it('tells that a lease was lost', async (test) => {
    const { etcd, link } = await start(test)
    const lost = new Promise<Error>((resolve, reject) => {
      void link
        .grantLease(1, resolve)
        .then((lease) => link.put('/a/1', 'one', lease))
        .catch(reject)
    })
    const [{ revision }] = (await events(link, '/a/', 1, 1)) as [EtcdEvent]
    await etcd.kill()
    await etcd.wipe()
    await etcd.run()
    assert.ok((await lost) instanceof Error)
    assert.equal(revision, 2)
  })

  it('does nothing any more once it is closed', async (test) => {
    const { etcd } = await start(test)
    const link = openEtcd({ hosts: [`${etcd.url}/`] })
    await link.put('/a/1', 'one')
    const late = assert.rejects(
      link.grantLease(1, () => {}),
      /closed|CANCELLED|UNAVAILABLE/,
    )
    link.close()
    await late
    await assert.rejects(link.readPrefix('/a/', 1), /closed/)
    await assert.rejects(events(link, '/a/', 1, 1), /closed/)
  })

  it('goes to another member when one does not answer', async (test) => {
    const { link } = await start(test, [`http://127.0.0.1:${await refusingPort()}/`])
    for (let i = 0; i < 20; i++) await link.put('/a/1', String(i))
    assert.equal((await link.readPrefix('/a/', 1)).entries[0]!.value, '19')
  })

  it('refuses hosts that are none', async (test) => {
    const link = openEtcd({ hosts: ['127.0.0.1:2379'] })
    test.after(() => link.close())
    await assert.rejects(link.put('/a', ''), /URL/)
  })
})
