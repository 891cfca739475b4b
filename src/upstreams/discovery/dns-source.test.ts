import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { a, aaaa, DnsServer, SERVFAIL, SILENCE, soa, srv, zone, type DnsScript } from '../../../test/lab/dns.ts'
import { TimerWheel } from '../../base/timer-wheel.ts'
import { DnsSource, type DnsSourceOptions } from './dns-source.ts'
import type { DiscoveredEndpoint } from './source.ts'

const NAME = 'api.example'

/** A source on a clock that only the test moves. */
class Watched {
  readonly lists: (readonly DiscoveredEndpoint[])[] = []
  readonly server: DnsServer
  readonly source: DnsSource
  readonly wheel: TimerWheel
  #time = 1000

  constructor(test: TestContext, server: DnsServer, options: Partial<DnsSourceOptions>) {
    this.server = server
    const clock = (): number => this.#time
    this.wheel = new TimerWheel(clock)
    this.source = new DnsSource(
      { name: NAME, type: 'A', port: 8080, scheme: 'http', servers: [server.address], timeout: 200, ...options },
      this.wheel,
      clock,
    )
    test.after(() => this.source.close())
    this.source.start((endpoints) => this.lists.push(endpoints))
  }

  static async start(test: TestContext, script: DnsScript, options: Partial<DnsSourceOptions> = {}): Promise<Watched> {
    return new Watched(test, await DnsServer.start(test, script), options)
  }

  get urls(): readonly string[] {
    return this.lists.at(-1)?.map(({ url }) => url) ?? ['nothing was told']
  }

  /** Waits until every question was answered, and the source waits for its time. */
  async settled(questions = 1): Promise<void> {
    await this.server.until(() => this.wheel.size === questions, 'the source to come to rest')
  }

  /** Lets time pass; is a look due? */
  pass(ms: number): boolean {
    const armed = this.wheel.size
    this.#time += ms
    this.wheel.advance()
    return this.wheel.size < armed
  }

  /** Lets time pass in which a look comes due, and waits for its end. */
  async look(ms: number): Promise<void> {
    assert.ok(this.pass(ms), `no look was due within ${ms} ms`)
    await this.settled()
  }
}

describe('a DNS source', () => {
  it('makes endpoints of addresses, sorted and each once', async (test) => {
    const watched = await Watched.start(test, zone(a(NAME, 60, '10.0.0.2', '10.0.0.1', '10.0.0.2')))
    await watched.settled()
    assert.deepEqual(watched.lists, [
      [
        { url: 'http://10.0.0.1:8080', weight: 1, zone: '', region: '', metadata: {} },
        { url: 'http://10.0.0.2:8080', weight: 1, zone: '', region: '', metadata: {} },
      ],
    ])
    assert.equal(watched.source.error, null)
  })

  it('looks again when the smallest TTL ends, not before and not much later', async (test) => {
    const watched = await Watched.start(test, zone([...a(NAME, 90, '10.0.0.1'), ...a(NAME, 60, '10.0.0.2')]))
    await watched.settled()
    assert.equal(watched.pass(59_900), false)
    watched.server.script = zone(a(NAME, 60, '10.0.0.3'))
    await watched.look(6200)
    assert.deepEqual(watched.urls, ['http://10.0.0.3:8080'])
  })

  it('keeps TTLs between its limits', async (test) => {
    const watched = await Watched.start(test, zone(a(NAME, 0, '10.0.0.1')), { maximumTtl: 10_000 })
    await watched.settled()
    assert.equal(watched.pass(900), false)
    watched.server.script = zone(a(NAME, 86_400, '10.0.0.1'))
    await watched.look(250)
    assert.equal(watched.pass(9900), false)
    await watched.look(1200)
  })

  it('tells nothing when nothing changed', async (test) => {
    const watched = await Watched.start(test, zone(a(NAME, 1, '10.0.0.1', '10.0.0.2')))
    await watched.settled()
    watched.server.script = zone(a(NAME, 1, '10.0.0.2', '10.0.0.1'))
    await watched.look(1200)
    assert.equal(watched.lists.length, 1)
  })

  it('keeps the last list while servers are silent or broken, and recovers', async (test) => {
    const watched = await Watched.start(test, zone(a(NAME, 1, '10.0.0.1')))
    await watched.settled()
    for (const script of [() => SERVFAIL, () => SILENCE, () => Buffer.from('garbage')] as const) {
      watched.server.script = script
      await watched.look(30_100)
      assert.match(watched.source.error!.message, /api\.example A: .*(SERVFAIL|no answer)/)
    }
    for (let i = 0; i < 10; i++) await watched.look(3_600_000)
    assert.equal(watched.lists.length, 1)
    watched.server.script = zone(a(NAME, 1, '10.0.0.2'))
    await watched.look(30_100)
    assert.deepEqual(watched.urls, ['http://10.0.0.2:8080'])
    assert.equal(watched.source.error, null)
  })

  it('tries again after growing pauses', async (test) => {
    const watched = await Watched.start(test, () => SERVFAIL)
    await watched.settled()
    assert.deepEqual(watched.lists, [])
    for (const longest of [250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]) {
      assert.equal(watched.pass(longest / 2 - 20), false)
      await watched.look(longest / 2 + 40)
    }
  })

  it('gives a name up when it was absent for a while, not at once', async (test) => {
    const watched = await Watched.start(test, zone(a(NAME, 1, '10.0.0.1')))
    await watched.settled()
    watched.server.script = zone([], soa(5, 5))
    await watched.look(1200)
    assert.deepEqual(watched.urls, ['http://10.0.0.1:8080'])
    assert.equal(watched.source.error!.message, 'api.example A: NXDOMAIN')
    for (let i = 0; i < 5; i++) await watched.look(5600)
    assert.deepEqual(watched.urls, ['http://10.0.0.1:8080'])
    await watched.look(5600)
    assert.deepEqual(watched.urls, [])
    watched.server.script = zone(a(NAME, 1, '10.0.0.2'))
    await watched.look(5600)
    assert.deepEqual(watched.urls, ['http://10.0.0.2:8080'])
    assert.equal(watched.source.error, null)
  })

  it('forgets that a name was absent when it comes back in between', async (test) => {
    const present = zone(a(NAME, 1, '10.0.0.1'))
    const absent = zone([], soa(600, 600))
    const watched = await Watched.start(test, present)
    await watched.settled()
    for (let i = 0; i < 3; i++) {
      watched.server.script = absent
      await watched.look(1200)
      assert.equal(watched.pass(20_000), false)
      watched.server.script = present
      await watched.look(13_100) // the SOA says 600 s, but the doubt lasts 30 s
    }
    assert.deepEqual(watched.urls, ['http://10.0.0.1:8080'])
    assert.equal(watched.lists.length, 1)
  })

  it('believes at once that a name never was', async (test) => {
    const watched = await Watched.start(test, zone([], soa(7, 7)))
    await watched.settled()
    assert.deepEqual(watched.lists, [[]])
    assert.equal(watched.pass(6900), false)
    await watched.look(900)
  })

  it('asks for both families, and has one do without the other', async (test) => {
    const records = [...a(NAME, 1, '10.0.0.1'), ...aaaa(NAME, 1, '2001:db8:0:0::1')]
    const watched = await Watched.start(test, zone(records), { type: 'A+AAAA', scheme: 'https' })
    await watched.settled(2)
    const both = ['https://10.0.0.1:8080', 'https://[2001:db8::1]:8080']
    assert.deepEqual(watched.urls, both)
    assert.equal(watched.lists.length, 1)
    watched.server.script = (question, ...rest) =>
      question.type === 'AAAA' ? SERVFAIL : zone(a(NAME, 1, '10.0.0.2'))(question, ...rest)
    watched.pass(1200)
    await watched.settled(2)
    assert.deepEqual(watched.urls, ['https://10.0.0.2:8080', both[1]])
    assert.match(watched.source.error!.message, /SERVFAIL/)
  })

  it('takes a family without addresses for nothing special', async (test) => {
    const watched = await Watched.start(test, zone(a(NAME, 1, '10.0.0.1')), { type: 'A+AAAA' })
    await watched.settled(2)
    assert.deepEqual(watched.urls, ['http://10.0.0.1:8080'])
    assert.equal(watched.source.error, null)
  })

  it('stops for good while it asks and while it waits', async (test) => {
    const waiting = await Watched.start(test, zone(a(NAME, 1, '10.0.0.1')))
    await waiting.settled()
    waiting.source.close()
    assert.equal(waiting.wheel.size, 0)
    const asking = await Watched.start(test, () => SILENCE, { timeout: 60_000 })
    await asking.server.until(() => asking.server.queries.length === 1, 'a query')
    asking.source.close()
    asking.source.close()
    asking.source.start(() => assert.fail('it was closed'))
    assert.equal(asking.wheel.size, 0)
    assert.deepEqual(asking.lists, [])
  })

  it('refuses what cannot be looked up', () => {
    const good = { name: NAME, type: 'A', port: 80, scheme: 'http' } as const
    assert.throws(() => new DnsSource({ ...good, name: 'http://a' }, new TimerWheel()), TypeError)
    assert.throws(() => new DnsSource({ ...good, servers: ['a'] }, new TimerWheel()), TypeError)
  })
})

describe('a DNS source of services', () => {
  const two = [srv(NAME, 60, 'one.example', 81, 1, 10), srv(NAME, 60, 'two.example', 82, 1, 0)]
  const weights = (watched: Watched): readonly string[] =>
    watched.lists.at(-1)!.map(({ url, weight }) => `${url} ${weight}`)

  it('takes ports and weights from the records, and addresses that came along', async (test) => {
    const watched = await Watched.start(
      test,
      () => ({
        answers: two,
        additionals: [
          ...a('one.example', 60, '10.0.0.1'),
          ...aaaa('ONE.example', 60, '::1'),
          ...a('two.example', 60, '10.0.0.2'),
        ],
      }),
      { type: 'SRV' },
    )
    await watched.settled()
    assert.deepEqual(weights(watched), ['http://10.0.0.1:81 10', 'http://10.0.0.2:82 1', 'http://[::1]:81 10'])
    assert.deepEqual(watched.server.queries, [`${NAME} SRV udp`])
  })

  it('asks for the addresses that did not come along, whose TTLs count', async (test) => {
    const records = [...two, ...a('one.example', 60, '10.0.0.1'), ...aaaa('two.example', 5, '::2')]
    const watched = await Watched.start(test, zone(records), { type: 'SRV' })
    await watched.settled()
    assert.deepEqual(weights(watched), ['http://10.0.0.1:81 10', 'http://[::2]:82 1'])
    assert.equal(watched.server.queries.length, 5)
    assert.equal(watched.pass(4900), false)
    await watched.look(700)
  })

  it('takes the lowest priority that has a target', async (test) => {
    const records = [
      srv(NAME, 60, 'gone.example', 80, 1),
      srv(NAME, 60, 'two.example', 80, 2),
      srv(NAME, 60, 'three.example', 80, 3),
      ...a('two.example', 60, '10.0.0.2'),
      ...a('three.example', 60, '10.0.0.3'),
    ]
    const watched = await Watched.start(test, zone(records), { type: 'SRV' })
    await watched.settled()
    assert.deepEqual(watched.urls, ['http://10.0.0.2:80'])
    assert.ok(!watched.server.queries.some((query) => query.startsWith('three')))
  })

  it('keeps the addresses of a target that cannot be asked for', async (test) => {
    const good = zone([
      ...two.map((record) => ({ ...record, ttl: 1 })),
      ...a('one.example', 60, '10.0.0.1'),
      ...a('two.example', 60, '10.0.0.2'),
    ])
    const watched = await Watched.start(test, good, { type: 'SRV' })
    await watched.settled()
    const both = ['http://10.0.0.1:81', 'http://10.0.0.2:82']
    assert.deepEqual(watched.urls, both)
    watched.server.script = (question, ...rest) =>
      question.name === 'two.example' ? SERVFAIL : good(question, ...rest)
    for (let i = 0; i < 3; i++) await watched.look(1200)
    assert.deepEqual(watched.urls, both)
    assert.match(watched.source.error!.message, /two\.example/)
  })

  it('takes the root as target for "not offered"', async (test) => {
    const watched = await Watched.start(test, zone([srv(NAME, 60, '.', 1)]), { type: 'SRV' })
    await watched.settled()
    assert.deepEqual(watched.lists, [[]])
    assert.equal(watched.source.error!.message, 'api.example SRV: NODATA')
  })
})
