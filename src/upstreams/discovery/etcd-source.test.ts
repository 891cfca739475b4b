import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { EtcdServer } from '../../../test/lab/etcd.ts'
import { Registration } from '../../../test/lab/registry.ts'
import { TcpWire } from '../../../test/lab/tcp-wire.ts'
import { openEtcd, type EtcdLink } from '../../base/etcd-link.ts'
import { TimerWheel } from '../../base/timer-wheel.ts'
import { EtcdSource, type EtcdSourceOptions, type RegistryProblem } from './etcd-source.ts'
import type { DiscoveredEndpoint } from './source.ts'

const PATIENCE = 20_000

async function until(condition: () => boolean, what: () => string): Promise<void> {
  const end = performance.now() + PATIENCE
  while (!condition()) {
    if (performance.now() > end) assert.fail(`waited in vain: ${what()}`)
    await delay(5)
  }
}

/** A source with what it told. */
class Watched {
  readonly lists: (readonly DiscoveredEndpoint[])[] = []
  readonly problems: RegistryProblem[] = []
  readonly source: EtcdSource
  #ahead = 0

  constructor(test: TestContext, url: string, prefix: string, options: Partial<EtcdSourceOptions> = {}) {
    const clock = (): number => performance.now() + this.#ahead
    const onProblem = (problem: RegistryProblem): void => void this.problems.push(problem)
    this.source = new EtcdSource({ hosts: [url], prefix, onProblem, ...options }, new TimerWheel(clock), clock)
    test.after(() => this.source.close())
    this.source.start((endpoints) => this.lists.push(endpoints))
  }

  /** `url weight` of each; null before anything was told. */
  get now(): readonly string[] | null {
    return this.lists.at(-1)?.map(({ url, weight }) => `${url} ${weight}`) ?? null
  }

  async becomes(...wanted: readonly string[]): Promise<void> {
    const text = JSON.stringify(wanted)
    await until(
      () => JSON.stringify(this.now) === text,
      () => `${text}; it is ${JSON.stringify(this.now)}, ${this.source.error?.message}`,
    )
  }

  async fails(why: RegExp): Promise<void> {
    await until(
      () => why.test(this.source.error?.message ?? ''),
      () => `${why}; it is ${this.source.error?.message}`,
    )
  }

  async works(): Promise<void> {
    await until(
      () => this.source.error === null,
      () => `no error; it is ${this.source.error?.message}`,
    )
  }

  /** All that waits for a time within these ms is due. */
  jump(ms: number): void {
    this.#ahead += ms
  }
}

function json(port: number, more: object = {}): string {
  return JSON.stringify({ url: `http://10.0.0.1:${port}`, ...more })
}

const ONE = 'http://10.0.0.1:1 1'
const TWO = 'http://10.0.0.1:2 1'
const THREE = 'http://10.0.0.1:3 1'

let prefixes = 0
function newPrefix(): string {
  return `/sluice/test/endpoints/${prefixes++}/`
}

function linkTo(test: TestContext, etcd: EtcdServer): EtcdLink {
  const link = openEtcd({ hosts: [etcd.url] })
  test.after(() => link.close())
  return link
}

describe('an etcd source', () => {
  const ends: (() => unknown)[] = []
  let etcd: EtcdServer
  before(async () => {
    etcd = await EtcdServer.start({ after: (end: unknown) => void ends.push(end as () => unknown) })
  })
  after(async () => {
    for (const end of ends) await end()
  })

  it('tells who is registered, who comes, changes and goes', async (test) => {
    const prefix = newPrefix()
    const options = { hosts: [etcd.url] }
    const one = await Registration.open(options, `${prefix}one`, { url: 'http://10.0.0.1:1' })
    const watched = new Watched(test, etcd.url, prefix)
    await watched.becomes(ONE)
    const full = { url: 'http://10.0.0.2:1', weight: 5, zone: 'a', region: 'eu', metadata: { version: '7' } }
    const two = await Registration.open(options, `${prefix}two`, full)
    await watched.becomes(ONE, 'http://10.0.0.2:1 5')
    assert.deepEqual(watched.lists.at(-1), [
      { url: 'http://10.0.0.1:1', weight: 1, zone: '', region: '', metadata: {} },
      full,
    ])
    await one.update({ url: 'http://10.0.0.1:1', weight: 3 })
    await watched.becomes('http://10.0.0.1:1 3', 'http://10.0.0.2:1 5')
    await one.close()
    await watched.becomes('http://10.0.0.2:1 5')
    await two.close()
    await watched.becomes()
    assert.equal(watched.source.error, null)
    assert.equal(watched.source.malformed, 0)
    assert.deepEqual(watched.problems, [])
  })

  it('tells at once that nobody is registered', async (test) => {
    await new Watched(test, etcd.url, newPrefix()).becomes()
  })

  it('forgets a service that ended without a word when its lease ends', async (test) => {
    const prefix = newPrefix()
    const link = linkTo(test, etcd)
    await link.put(`${prefix}two`, json(2))
    const lease = await link.grantLease(1, () => {})
    await link.put(`${prefix}one`, json(1), lease)
    const watched = new Watched(test, etcd.url, prefix)
    await watched.becomes(ONE, TWO)
    const other = openEtcd({ hosts: [`${etcd.url}/`] }) // not the same text, and so a connection of its own
    const silent = await other.grantLease(1, () => {})
    await other.put(`${prefix}three`, json(3), silent)
    await watched.becomes(ONE, TWO, THREE)
    other.close()
    await watched.becomes(ONE, TWO)
    await lease.revoke()
    await watched.becomes(TWO)
  })

  it('leaves malformed values out, says so once, and takes them when they are mended', async (test) => {
    const prefix = newPrefix()
    const link = linkTo(test, etcd)
    await link.put(`${prefix}one`, json(1))
    const bad = {
      json: '{',
      list: '[]',
      nothing: '',
      url: '{"url":"http://user:secret@10.0.0.1"}',
      path: '{"url":"http://10.0.0.1/x"}',
      missing: '{}',
      weight: json(1, { weight: -1 }),
      half: json(1, { weight: 1.5 }),
      zone: json(1, { zone: 1 }),
      region: json(1, { region: 'x'.repeat(257) }),
      metadata: json(1, { metadata: { a: 1 } }),
      huge: json(1, { more: 'x'.repeat(20_000) }),
    }
    for (const [id, value] of Object.entries(bad)) await link.put(prefix + id, value)
    const watched = new Watched(test, etcd.url, prefix, { reconcile: 50 })
    await watched.becomes(ONE)
    assert.equal(watched.source.malformed, 12)
    await link.put(prefix, json(9))
    await link.put(`${prefix}late`, 'late')
    await link.put(`${prefix}url`, json(2))
    await watched.becomes(ONE, TWO)
    assert.equal(watched.source.malformed, 13)
    const keys = [...Object.keys(bad), '', 'late'].map((id) => prefix + id)
    assert.deepEqual(watched.problems.map(({ key }) => key).sort(), keys.sort())
    assert.ok(!JSON.stringify(watched.problems).includes('secret'))
  })

  it('lets the newer of two keys for one endpoint count', async (test) => {
    const prefix = newPrefix()
    const link = linkTo(test, etcd)
    await link.put(`${prefix}b`, json(1, { weight: 1 }))
    await link.put(`${prefix}a`, json(1, { weight: 2 }))
    const watched = new Watched(test, etcd.url, prefix)
    await watched.becomes('http://10.0.0.1:1 2')
    await link.put(`${prefix}b`, json(1, { weight: 3 }))
    await watched.becomes('http://10.0.0.1:1 3')
    await link.delete(`${prefix}b`)
    await watched.becomes('http://10.0.0.1:1 2')
  })

  it('reads more keys than fit into one page', async (test) => {
    const prefix = newPrefix()
    const link = linkTo(test, etcd)
    for (let port = 1; port <= 1100; port += 50) {
      await Promise.all(Array.from({ length: 50 }, (_, i) => link.put(`${prefix}${port + i}`, json(port + i))))
    }
    const watched = new Watched(test, etcd.url, prefix)
    await until(
      () => watched.now?.length === 1100,
      () => '1100 endpoints',
    )
  })

  it('catches up after it was cut off while the history was compacted', async (test) => {
    const prefix = newPrefix()
    const link = linkTo(test, etcd)
    await link.put(`${prefix}one`, json(1))
    await link.put(`${prefix}two`, json(2))
    const wire = await TcpWire.start(test, etcd.port)
    const watched = new Watched(test, wire.url, prefix)
    await watched.becomes(ONE, TWO)
    await wire.cut()
    await watched.fails(/UNAVAILABLE/)
    await link.delete(`${prefix}one`)
    for (let i = 0; i < 10; i++) await link.put(`${prefix}three`, json(3))
    await etcd.compact()
    assert.deepEqual(watched.now, [ONE, TWO])
    await wire.mend()
    await watched.becomes(TWO, THREE)
    await watched.works()
    await link.delete(`${prefix}two`)
    await watched.becomes(THREE)
  })

  it('learns by itself what it did not see when it reconciles', async (test) => {
    const prefix = newPrefix()
    const link = linkTo(test, etcd)
    const watched = new Watched(test, etcd.url, prefix)
    await watched.becomes()
    for (let i = 1; i <= 3; i++) {
      watched.jump(120_100)
      await link.put(`${prefix}one`, json(1, { weight: i }))
      await watched.becomes(`http://10.0.0.1:1 ${i}`)
    }
    assert.equal(watched.source.error, null)
  })

  it('shares a connection with others of the same hosts, and closes it with the last', async (test) => {
    const prefix = newPrefix()
    const link = openEtcd({ hosts: [etcd.url] })
    assert.equal(openEtcd({ hosts: [etcd.url] }), link)
    assert.notEqual(openEtcd({ hosts: [etcd.url], credentials: { username: 'a', password: 'b' } }), link)
    const watched = new Watched(test, etcd.url, prefix)
    link.close()
    link.close()
    await watched.becomes()
    watched.source.close()
    watched.source.close()
    await assert.rejects(link.put(`${prefix}one`, json(1)), /closed/)
    const again = linkTo(test, etcd)
    assert.notEqual(again, link)
    await again.put(`${prefix}one`, json(1))
    assert.equal(watched.lists.length, 1)
  })
})

describe('an etcd source, when etcd fails,', () => {
  it('waits for one that is not there yet', async (test) => {
    const etcd = await EtcdServer.start(test)
    await etcd.stop()
    const watched = new Watched(test, etcd.url, newPrefix())
    await watched.fails(/UNAVAILABLE/)
    assert.equal(watched.now, null)
    await etcd.run()
    await watched.becomes()
    await watched.works()
  })

  it('keeps the last list through kill -9, and sees what comes after', async (test) => {
    const etcd = await EtcdServer.start(test)
    const prefix = newPrefix()
    const link = linkTo(test, etcd)
    await link.put(`${prefix}one`, json(1))
    await link.put(`${prefix}two`, json(2))
    const watched = new Watched(test, etcd.url, prefix)
    await watched.becomes(ONE, TWO)
    for (const last of [THREE, 'http://10.0.0.1:4 1']) {
      await etcd.kill()
      await watched.fails(/UNAVAILABLE/)
      await etcd.run()
      await watched.works()
      await link.put(`${prefix}last`, JSON.stringify({ url: last.split(' ')[0] }))
      await watched.becomes(ONE, TWO, last)
    }
    assert.equal(watched.lists.length, 3)
  })

  it('notices one that is frozen when it reconciles, and recovers', async (test) => {
    const etcd = await EtcdServer.start(test)
    const prefix = newPrefix()
    const link = linkTo(test, etcd)
    await link.put(`${prefix}one`, json(1))
    const watched = new Watched(test, etcd.url, prefix, { reconcile: 100 })
    await watched.becomes(ONE)
    etcd.freeze()
    await watched.fails(/DEADLINE|deadline/i)
    assert.deepEqual(watched.now, [ONE])
    etcd.thaw()
    await watched.works()
    await link.put(`${prefix}two`, json(2))
    await watched.becomes(ONE, TWO)
  })

  it('keeps services for a while when all data was lost, and takes those in that come back', async (test) => {
    const etcd = await EtcdServer.start(test)
    const prefix = newPrefix()
    const link = linkTo(test, etcd)
    await link.put(`${prefix}one`, json(1))
    await link.put(`${prefix}two`, json(2))
    await link.put(`${prefix}bad`, '')
    const wire = await TcpWire.start(test, etcd.port)
    const [near, far] = [new Watched(test, etcd.url, prefix), new Watched(test, wire.url, prefix)]
    for (const watched of [near, far]) await watched.becomes(ONE, TWO)
    await wire.cut()
    await etcd.stop()
    await etcd.wipe()
    await etcd.run()
    await near.fails(/lost its data; 3 endpoints/)
    await link.put(`${prefix}new-one`, json(1, { weight: 4 }))
    await near.becomes('http://10.0.0.1:1 4', TWO)
    // It was away all the time, and finds a prefix that is not empty but younger than what it knows.
    await wire.mend()
    await far.becomes('http://10.0.0.1:1 4', TWO)
    for (const watched of [near, far]) {
      watched.jump(25_000)
      await watched.fails(/lost its data/)
      watched.jump(6000)
      await watched.becomes('http://10.0.0.1:1 4')
      await watched.works()
    }
    await link.delete(`${prefix}new-one`)
    for (const watched of [near, far]) await watched.becomes()
  })

  it('has services register again after all data was lost', async (test) => {
    const etcd = await EtcdServer.start(test)
    const prefix = newPrefix()
    const one = await Registration.open({ hosts: [etcd.url] }, `${prefix}one`, { url: 'http://10.0.0.1:1' }, 1)
    test.after(() => one.close())
    const watched = new Watched(test, etcd.url, prefix)
    await watched.becomes(ONE)
    await etcd.kill()
    await etcd.wipe()
    await etcd.run()
    const link = linkTo(test, etcd)
    for (let found = false; !found;) found = (await link.readPrefix(prefix, 1)).entries.length > 0
    await watched.works()
    assert.equal(watched.lists.length, 1)
    await one.update({ url: 'http://10.0.0.1:2' })
    await watched.becomes(TWO)
  })

  it('says that its password is wrong, and works with the right one', async (test) => {
    const etcd = await EtcdServer.start(test)
    const prefix = newPrefix()
    await linkTo(test, etcd).put(`${prefix}one`, json(1))
    await etcd.call('auth/user/add', { name: 'root', password: 'right' })
    await etcd.call('auth/role/add', { name: 'root' })
    await etcd.call('auth/user/grant', { user: 'root', role: 'root' })
    await etcd.call('auth/enable', {})
    const wrong = new Watched(test, etcd.url, prefix, { credentials: { username: 'root', password: 'wrong-secret' } })
    const none = new Watched(test, etcd.url, prefix)
    await wrong.fails(/authentication failed/)
    assert.ok(!wrong.source.error!.message.includes('secret'))
    await none.fails(/user name is empty/)
    const right = new Watched(test, etcd.url, prefix, { credentials: { username: 'root', password: 'right' } })
    await right.becomes(ONE)
    await etcd.kill()
    await right.fails(/UNAVAILABLE/)
    await etcd.run()
    await right.works()
    assert.deepEqual([wrong.now, none.now], [null, null])
  })
})
