import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { Answer } from 'dns-packet'
import {
  a,
  aaaa,
  cname,
  DnsServer,
  message,
  SERVFAIL,
  SILENCE,
  soa,
  srv,
  zone,
  type DnsScript,
} from '../../../test/lab/dns.ts'
import { DnsClient } from './dns-client.ts'
import { isDomainName } from '../../base/dns-names.ts'
import type { DnsAnswer, DnsType } from './dns-message.ts'

const NAME = 'api.example'
/** ms: for servers that are not going to answer. */
const SHORT = 150

/** Asks servers that answer by these scripts, in this order. */
async function ask(
  test: TestContext,
  scripts: readonly DnsScript[],
  type: DnsType = 'A',
  timeout = 5000,
): Promise<{ answer: DnsAnswer; queries: string[][] }> {
  const servers = await Promise.all(scripts.map((script) => DnsServer.start(test, script)))
  const client = new DnsClient({ servers: servers.map(({ address }) => address), timeout })
  const answer = await client.query(NAME, type, new AbortController().signal)
  return { answer, queries: servers.map(({ queries }) => queries) }
}

function addresses(answer: DnsAnswer): readonly string[] {
  assert.equal(answer.kind, 'found', JSON.stringify(answer.kind === 'failed' ? answer.error.message : answer))
  return answer.records.map((record) => (record.type === 'SRV' ? record.target : record.address))
}

function reason(answer: DnsAnswer): string {
  assert.equal(answer.kind, 'failed')
  return answer.error.message
}

const GOOD = zone(a(NAME, 60, '10.0.0.1'))

describe('a DNS query', () => {
  it('gives addresses with the smallest TTL in ms', async (test) => {
    const { answer } = await ask(test, [zone([...a(NAME, 60, '10.0.0.1'), ...a(NAME, 30, '10.0.0.2')])])
    assert.deepEqual(addresses(answer), ['10.0.0.1', '10.0.0.2'])
    assert.equal(answer.kind === 'found' && answer.ttl, 30_000)
  })

  it('gives IPv6 addresses', async (test) => {
    const { answer } = await ask(test, [zone(aaaa(NAME, 60, '2001:db8::1'))], 'AAAA')
    assert.deepEqual(addresses(answer), ['2001:db8::1'])
  })

  it('gives services, and the addresses that came along', async (test) => {
    const { answer } = await ask(
      test,
      [() => ({ answers: [srv(NAME, 9, 'One.Example', 8080, 1, 5)], additionals: a('one.example', 7, '10.0.0.1') })],
      'SRV',
    )
    assert.deepEqual(answer, {
      kind: 'found',
      records: [{ name: NAME, type: 'SRV', ttl: 9000, priority: 1, weight: 5, port: 8080, target: 'one.example' }],
      additional: [{ name: 'one.example', type: 'A', ttl: 7000, address: '10.0.0.1' }],
      ttl: 9000,
    })
  })

  it('follows aliases, whose TTLs count', async (test) => {
    const answers = [
      cname('B.example', 20, 'c.example'),
      cname(NAME, 40, 'b.example'),
      ...a('c.example', 60, '10.0.0.1'),
    ]
    const { answer } = await ask(test, [() => ({ answers })])
    assert.deepEqual(addresses(answer), ['10.0.0.1'])
    assert.equal(answer.kind === 'found' && answer.ttl, 20_000)
  })

  it('believes an absence for as long as the SOA says (RFC 2308)', async (test) => {
    for (const [record, ttl] of [
      [soa(60, 10), 10_000],
      [soa(10, 60), 10_000],
    ] as const) {
      const { answer } = await ask(test, [zone([], record)])
      assert.deepEqual(answer, { kind: 'absent', reason: 'NXDOMAIN', ttl })
    }
    const { answer } = await ask(test, [zone(aaaa(NAME, 60, '::1'), soa(8, 9))])
    assert.deepEqual(answer, { kind: 'absent', reason: 'NODATA', ttl: 8000 })
  })

  it('believes an absence without SOA for five seconds', async (test) => {
    const { answer } = await ask(test, [() => ({ rcode: 'NXDOMAIN' })])
    assert.deepEqual(answer, { kind: 'absent', reason: 'NXDOMAIN', ttl: 5000 })
  })

  it('goes to the next server after one that fails', async (test) => {
    const bad: readonly DnsScript[] = [
      () => SERVFAIL,
      () => ({ rcode: 'REFUSED' }),
      () => SILENCE,
      () => ({ authorities: [{ name: 'example', type: 'NS', ttl: 60, data: 'ns.elsewhere.example' }] }),
    ]
    const { answer, queries } = await ask(test, [...bad, GOOD], 'A', SHORT * 4)
    assert.deepEqual(addresses(answer), ['10.0.0.1'])
    assert.deepEqual(
      queries,
      Array.from({ length: 5 }, () => [`${NAME} A udp`]),
    )
  })

  it('says why every server failed', async (test) => {
    const { answer } = await ask(test, [() => SERVFAIL, () => SILENCE], 'A', SHORT)
    assert.match(reason(answer), /^api\.example A: 127\.0\.0\.1:\d+: the answer SERVFAIL; .*no answer within 150 ms$/)
  })

  it('learns at once that nobody listens', async () => {
    const client = new DnsClient({ servers: ['127.0.0.1:1'], timeout: 60_000 })
    assert.match(reason(await client.query(NAME, 'A', new AbortController().signal)), /ECONNREFUSED/)
  })

  it('asks again over TCP when the answer was cut', async (test) => {
    const many = Array.from({ length: 500 }, (_, i) => `10.1.${i >> 8}.${i & 255}`)
    const { answer, queries } = await ask(test, [
      (_, over) => (over === 'udp' ? { truncated: true } : { answers: a(NAME, 60, ...many) }),
    ])
    assert.deepEqual(addresses(answer), many)
    assert.deepEqual(queries, [[`${NAME} A udp`, `${NAME} A tcp`]])
  })

  it('fails when TCP does not answer either', async (test) => {
    const silent: DnsScript = (_, over) => (over === 'udp' ? { truncated: true } : SILENCE)
    assert.match(reason((await ask(test, [silent], 'A', SHORT)).answer), /no answer/)
    const forged: DnsScript = (_, over) => (over === 'udp' ? { truncated: true } : { idOffset: 1 })
    assert.match(reason((await ask(test, [forged])).answer), /another question/)
  })

  it('can be aborted', async (test) => {
    const server = await DnsServer.start(test, () => SILENCE)
    const abort = new AbortController()
    const client = new DnsClient({ servers: [server.address], timeout: 60_000 })
    const answer = client.query(NAME, 'A', abort.signal)
    await server.until(() => server.queries.length === 1, 'the query')
    abort.abort()
    assert.equal((await answer).kind, 'failed')
  })

  it('refuses names and servers that are none', async () => {
    for (const name of ['', '.', 'a..b', '-'.repeat(64), 'a b', `${'a.'.repeat(127)}b`, 'é.example']) {
      assert.equal(isDomainName(name), false, name)
    }
    for (const name of ['a', 'a.b.', '_http._tcp.example', '-'.repeat(63), `${'a.'.repeat(126)}b`]) {
      assert.equal(isDomainName(name), true, name)
    }
    const client = new DnsClient({ servers: ['127.0.0.1', '::1', '[::1]:53', '127.0.0.1:5353'] })
    assert.match(reason(await client.query('a b', 'A', new AbortController().signal)), /not a domain name/)
    for (const server of ['', 'localhost', '10.0.0.1:x', '10.0.0.1:70000', '[::1', '[10.0.0.1]:53', '[::1]:70000']) {
      assert.throws(() => new DnsClient({ servers: [server] }), TypeError, server)
    }
  })
})

describe('hostile DNS answers', () => {
  it('that are forged are passed over while the true one is waited for', async (test) => {
    const evil = a(NAME, 60, '6.6.6.6')
    const { answer } = await ask(test, [
      (_, __, query) => [
        { answers: evil, idOffset: 1 },
        { answers: evil, question: { name: 'other.example', type: 'A' } },
        { answers: evil, question: { name: NAME, type: 'AAAA' } },
        Buffer.alloc(0),
        Buffer.from('garbage'),
        Buffer.alloc(4096, 0xff),
        message(query, { answers: evil }).fill(0, 2, 3), // a question, no answer
        { answers: a(NAME, 60, '10.0.0.1') },
      ],
    ])
    assert.deepEqual(addresses(answer), ['10.0.0.1'])
  })

  it('from another address are not heard', async (test) => {
    const { createSocket } = await import('node:dgram')
    const socket = createSocket('udp4')
    test.after(() => socket.close())
    const forger = createSocket('udp4')
    test.after(() => forger.close())
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
    const { decode } = await import('dns-packet')
    socket.on('message', (bytes, from) => {
      const query = decode(bytes)
      forger.send(message(query, { answers: a(NAME, 60, '6.6.6.6') }), from.port, from.address, () => {
        socket.send(message(query, { answers: a(NAME, 60, '10.0.0.1') }), from.port, from.address)
      })
    })
    const client = new DnsClient({ servers: [`127.0.0.1:${socket.address().port}`] })
    assert.deepEqual(addresses(await client.query(NAME, 'A', new AbortController().signal)), ['10.0.0.1'])
  })

  it('in masses end the attempt', async (test) => {
    const flood = Array.from({ length: 200 }, () => ({ idOffset: 1 }))
    assert.match(reason((await ask(test, [() => flood], 'A', 60_000)).answer), /other questions/)
  })

  it('of other types, classes and owners are absence', async (test) => {
    const answers: Answer[] = [
      ...aaaa(NAME, 60, '::1'),
      ...a('other.example', 60, '6.6.6.6'),
      { name: NAME, type: 'A', ttl: 60, class: 'CH', data: '6.6.6.6' },
      { name: NAME, type: 'TXT', ttl: 60, data: 'x' },
      ...a(NAME, 60, '0.0.0.0'),
    ]
    assert.equal((await ask(test, [() => ({ answers })])).answer.kind, 'absent')
  })

  it('with aliases in a circle fail', async (test) => {
    const answers = [cname(NAME, 60, 'b.example'), cname('b.example', 60, NAME)]
    assert.match(reason((await ask(test, [() => ({ answers })])).answer), /circle/)
  })

  it('with huge TTLs count as 0', async (test) => {
    const { answer } = await ask(test, [zone(a(NAME, 0xffffffff, '10.0.0.1'))])
    assert.equal(answer.kind === 'found' && answer.ttl, 0)
  })

  it('with thousands of records are refused', async (test) => {
    const many = Array.from({ length: 2000 }, () => '10.0.0.1')
    const script: DnsScript = (_, over) => (over === 'udp' ? { truncated: true } : { answers: a(NAME, 60, ...many) })
    assert.match(reason((await ask(test, [script])).answer), /2000 records/)
  })

  it('that end too early, or lie about their counts, fail', async (test) => {
    for (const [at, value] of [
      [6, 0x0003],
      [8, 0x0001],
      [6, 0xffff],
    ] as const) {
      const script: DnsScript = (_, __, query) => {
        const bytes = message(query, { answers: a(NAME, 60, '10.0.0.1') })
        bytes.writeUInt16BE(value, at)
        return bytes
      }
      assert.match(reason((await ask(test, [script])).answer), /malformed|records/)
    }
  })

  it('of random bytes behind the right question never throw', async (test) => {
    const server = await DnsServer.start(test, (_, __, query) => {
      const bytes = message(query, {
        answers: [...a(NAME, 60, '10.0.0.1'), srv(NAME, 1, 'b', 1)],
        authorities: [soa(1, 1)],
      })
      const start = message(query, {}).length
      for (let i = 0; i < 8; i++) {
        const at = start + Math.floor(Math.random() * (bytes.length - start))
        bytes[at] = Math.floor(Math.random() * 256)
      }
      return bytes
    })
    const client = new DnsClient({ servers: [server.address], timeout: 5000 })
    const signal = new AbortController().signal
    for (let i = 0; i < 300; i++) {
      assert.ok(
        ['found', 'absent', 'failed'].includes((await client.query(NAME, i % 2 === 0 ? 'SRV' : 'A', signal)).kind),
      )
    }
  })

  it('whose names are mazes of pointers cost little', async (test) => {
    const script: DnsScript = (_, over, query) => {
      const head = message(query, over === 'udp' ? { truncated: true } : {})
      if (over === 'udp') return head
      // A chain of pointers, each to the one before, as the data of the first record; every other record begins at its end.
      const chain = 16_000
      const bytes = Buffer.alloc(65_000)
      head.copy(bytes)
      let at = head.copy(bytes)
      bytes.writeUInt16BE(1024, 6)
      at = bytes.writeUInt16BE(16, at + 1) // the root's TXT... as an unknown type would be
      bytes.writeUInt16BE(10, at - 2) // NULL
      at = bytes.writeUInt16BE(1, at)
      at = bytes.writeUInt32BE(60, at)
      at = bytes.writeUInt16BE(chain - at - 2, at)
      let last = at
      bytes[at++] = 0
      for (; at + 1 < chain; at += 2) {
        bytes.writeUInt16BE(0xc000 | last, at)
        last = at
      }
      at = chain
      for (let i = 0; i < 1023; i++) {
        at = bytes.writeUInt16BE(0xc000 | last, at)
        at = bytes.writeUInt16BE(1, at)
        at = bytes.writeUInt16BE(1, at)
        at = bytes.writeUInt32BE(60, at)
        at = bytes.writeUInt16BE(4, at)
        at = bytes.writeUInt32BE(0x0a000001, at)
      }
      return bytes.subarray(0, at)
    }
    const before = performance.now()
    const { answer } = await ask(test, [script])
    assert.equal(answer.kind, 'absent')
    assert.ok(performance.now() - before < 5000)
  })
})
