// The proof that replies are read right: by example at every split point, and beside node:http on thousands of good, bad
// and damaged ones. A million more: scripts/bench fuzz/wire.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Responses } from '../../../test/lab/responses.ts'
import { feedWire, OPTIONS } from '../../../test/lab/wire-feed.ts'
import { judge } from '../../../test/lab/wire-judge.ts'

const CASES = 20_000
const SEED = 20_261_121

const OK = 'HTTP/1.1 200 OK\r\n'
const CHUNKED = 'Transfer-Encoding: chunked\r\n\r\n'
const TRUNCATED = 'SLUICE_UPSTREAM_TRUNCATED'
const PROTOCOL = 'SLUICE_UPSTREAM_PROTOCOL'
const TOO_LARGE = 'SLUICE_UPSTREAM_HEAD_TOO_LARGE'

interface Example {
  readonly reply: string
  readonly method?: 'HEAD'
  /** The body, when it is complete. */
  readonly body?: string
  /** Why not. */
  readonly fails?: string
  /** May the connection serve another request? */
  readonly reusable?: boolean
}

const EXAMPLES: Readonly<Record<string, Example>> = {
  'known length': { reply: `${OK}Content-Length: 5\r\n\r\nhello`, body: 'hello', reusable: true },
  'no body': { reply: `${OK}Content-Length: 0\r\n\r\n`, body: '', reusable: true },
  'HTTP/1.0': { reply: 'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi', body: 'hi', reusable: false },
  'HTTP/1.0 kept alive': {
    reply: 'HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nhi',
    body: 'hi',
    reusable: true,
  },
  'Connection: close': { reply: `${OK}Connection: close\r\nContent-Length: 2\r\n\r\nhi`, body: 'hi', reusable: false },
  'Connection with a list': {
    reply: `${OK}Connection: x, Close\r\nX: 1\r\nContent-Length: 2\r\n\r\nhi`,
    body: 'hi',
    reusable: false,
  },
  chunked: {
    reply: `${OK}${CHUNKED}5\r\nhello\r\n00006;a="b"\r\n world\r\n0\r\n\r\n`,
    body: 'hello world',
    reusable: true,
  },
  'chunked with trailers': {
    reply: `${OK}${CHUNKED}1\r\na\r\n0\r\nX-A: 1\r\nX-B:\r\n\r\n`,
    body: 'a',
    reusable: true,
  },
  'until the connection ends': { reply: `${OK}\r\nall of it`, body: 'all of it', reusable: false },
  'HEAD with a length': { reply: `${OK}Content-Length: 5\r\n\r\n`, method: 'HEAD', body: '', reusable: true },
  'HEAD with chunked': { reply: `${OK}${CHUNKED}`, method: 'HEAD', body: '', reusable: true },
  '204 with a length': { reply: 'HTTP/1.1 204 None\r\nContent-Length: 5\r\n\r\n', body: '', reusable: true },
  '304 with chunked': { reply: `HTTP/1.1 304 Same\r\n${CHUNKED}`, body: '', reusable: true },
  'interim replies': {
    reply: `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: a\r\n\r\n${OK}Content-Length: 1\r\n\r\nx`,
    body: 'x',
    reusable: true,
  },
  'bytes behind the reply': { reply: `${OK}Content-Length: 2\r\n\r\nhimore`, body: 'hi', reusable: false },
  'a second reply behind it': {
    reply: `${OK}Content-Length: 2\r\n\r\nhi${OK}Content-Length: 4\r\n\r\nevil`,
    body: 'hi',
    reusable: false,
  },
  'a body behind 204': { reply: 'HTTP/1.1 204 None\r\n\r\nbody', body: '', reusable: false },
  'a short body': { reply: `${OK}Content-Length: 9\r\n\r\nabc`, fails: TRUNCATED },
  'no last chunk': { reply: `${OK}${CHUNKED}3\r\nabc\r\n`, fails: TRUNCATED },
  'half a last chunk': { reply: `${OK}${CHUNKED}3\r\nabc\r\n0\r\n`, fails: TRUNCATED },
  'half a head': { reply: `${OK}Content-Le`, fails: TRUNCATED },
  'interim replies only': { reply: 'HTTP/1.1 100 Continue\r\n\r\n', fails: TRUNCATED },
  nothing: { reply: '', fails: 'SLUICE_UPSTREAM_RESET' },
  'two lengths': { reply: `${OK}Content-Length: 1\r\nContent-Length: 1\r\n\r\na`, fails: PROTOCOL },
  'length and chunked': { reply: `${OK}Content-Length: 1\r\n${CHUNKED}0\r\n\r\n`, fails: PROTOCOL },
  'a signed length': { reply: `${OK}Content-Length: +1\r\n\r\na`, fails: PROTOCOL },
  'another coding': { reply: `${OK}Transfer-Encoding: gzip\r\n\r\na`, fails: PROTOCOL },
  'a chunk size that is none': { reply: `${OK}${CHUNKED}5x\r\nhello\r\n0\r\n\r\n`, fails: PROTOCOL },
  'an oversized chunk': { reply: `${OK}${CHUNKED}fffffffffffff\r\na`, fails: PROTOCOL },
  'a chunk without its line end': { reply: `${OK}${CHUNKED}3\r\nabcd\r\n0\r\n\r\n`, fails: PROTOCOL },
  'a bare LF behind a chunk size': { reply: `${OK}${CHUNKED}3\nabc\r\n0\r\n\r\n`, fails: PROTOCOL },
  'an endless chunk extension': { reply: `${OK}${CHUNKED}3;${'a'.repeat(300)}\r\nabc\r\n0\r\n\r\n`, fails: PROTOCOL },
  'bare LF as line end': { reply: 'HTTP/1.1 200 OK\nContent-Length: 0\n\n', fails: PROTOCOL },
  'a folded field': { reply: `${OK}A: b\r\n c\r\n\r\n`, fails: PROTOCOL },
  'space before the colon': { reply: `${OK}A : b\r\n\r\n`, fails: PROTOCOL },
  'CR in a value': { reply: `${OK}A: b\rC: d\r\n\r\n`, fails: PROTOCOL },
  'NUL in a value': { reply: `${OK}A: b\0\r\n\r\n`, fails: PROTOCOL },
  'an unasked 101': { reply: 'HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n', fails: PROTOCOL },
  'endless interim replies': { reply: 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(20), fails: PROTOCOL },
  garbage: { reply: 'SSH-2.0-OpenSSH_9\r\n', fails: PROTOCOL },
  'too many fields': { reply: OK + 'A: b\r\n'.repeat(OPTIONS.maxFields + 1) + '\r\n', fails: TOO_LARGE },
}

function check(name: string, example: Example, pieces: readonly Buffer[]): void {
  const { end, why, body, reusable } = feedWire(pieces, example.method)
  const where = `${name}, in pieces of ${pieces.map(({ length }) => length).join(', ')}`
  if (example.fails !== undefined) {
    assert.deepEqual([end, why], ['failed', example.fails], where)
    return
  }
  assert.deepEqual([end, body], ['complete', example.body], `${where} ${why}`)
  if (pieces.length < 2) assert.equal(reusable, example.reusable, where)
}

describe('wire connection', () => {
  for (const [name, example] of Object.entries(EXAMPLES)) {
    it(`reads ${name}, whole, byte by byte, and split at every point`, () => {
      const bytes = Buffer.from(example.reply, 'latin1')
      check(name, example, bytes.length === 0 ? [] : [bytes])
      check(
        name,
        example,
        Array.from(bytes, (_, i) => bytes.subarray(i, i + 1)),
      )
      for (let at = 1; at < bytes.length; at++) check(name, example, [bytes.subarray(0, at), bytes.subarray(at)])
    })
  }

  it('refuses a head that is too long, also in drips', () => {
    const bytes = Buffer.from(`${OK}A: ${'b'.repeat(OPTIONS.maxHeadSize)}\r\n\r\n`)
    check('long', { reply: '', fails: TOO_LARGE }, [bytes])
    const drips = Array.from({ length: Math.ceil(bytes.length / 100) }, (_, i) =>
      bytes.subarray(i * 100, i * 100 + 100),
    )
    check('long', { reply: '', fails: TOO_LARGE }, drips)
  })

  it(`agrees with node:http on ${CASES} generated, damaged and split replies`, async () => {
    const responses = new Responses(SEED)
    const ends = { complete: 0, failed: 0 }
    for (let i = 0; i < CASES; i++) {
      const each = responses.next()
      assert.equal(await judge(each), '', `case ${i} of seed ${SEED}`)
      ends[feedWire(each.pieces, each.method).end]++
    }
    // The generator must not drift to one side.
    assert.ok(ends.complete > CASES / 4 && ends.failed > CASES / 10, JSON.stringify(ends))
  })
})
