import assert from 'node:assert/strict'
import { createHmac, hash } from 'node:crypto'
import { describe, it } from 'node:test'
import { BodyRefused, FAILED, NEXT } from '../../src/contract/plugin.ts'
import { instanceOf, replyHeader, requestOf, type RequestLike } from '../../test/lab/plugin-exchange.ts'
import { readAuthorization } from './authorization.ts'
import { DigestCheck, readDigest } from './body-digest.ts'
import { readDate } from './date.ts'
import plugin from './plugin.ts'
import { ReplayTable } from './replay-table.ts'

const SECRET = 'a secret of enough bytes'
const KEYS = [{ id: 'k-1', secret: SECRET, consumer: 'anna', claims: { plan: 'gold' } }]
const MINUTE = 60_000

function digestOf(body: string): string {
  return `sha-256=:${hash('sha256', body, 'base64')}:`
}

/** A request as docs/plugins/hmac-auth.md tells clients to sign it, written apart from the plugin. */
function signed(request: RequestLike & { names?: readonly string[]; secret?: string; keyId?: string }): RequestLike {
  const { headers = [], names = [], target = '/' } = request
  const value = (name: string): string => headers[headers.indexOf(name) + 1]!
  const has = (name: string): boolean => headers.includes(name)
  const date = has('x-date') ? value('x-date') : value('date')
  const mark = target.indexOf('?') < 0 ? target.length : target.indexOf('?')
  const lines = ['HMAC-SHA256', request.method ?? 'GET', target.slice(0, mark), target.slice(mark), date]
  lines.push(has('content-digest') ? value('content-digest') : '', ...names.map((name) => `${name}:${value(name)}`))
  const signature = createHmac('sha256', request.secret ?? SECRET)
    .update(lines.join('\n'))
    .digest('base64')
  const list = names.length === 0 ? '' : `,headers="${names.join(' ')}"`
  const authorization = `HMAC-SHA256 keyId=${request.keyId ?? 'k-1'},signature=${signature}${list}`
  return { ...request, headers: ['authorization', authorization, ...headers] }
}

let times = 0

/** Never the same twice: a signature of the same moment is a replay. */
function now(offset = 0): string {
  return new Date(Date.now() + offset + times++).toISOString()
}

function instance(options: object = {}) {
  return instanceOf(plugin, { keys: KEYS, ...options })
}

function refusal(request: RequestLike, options: object = {}): string {
  const x = requestOf(request)
  assert.equal(instance(options).access!(x), FAILED)
  assert.equal(x.failure!.kind.status, 401)
  assert.equal(replyHeader(x, 'www-authenticate'), 'HMAC-SHA256 realm="api"')
  assert.equal(x.consumer, '')
  assert.ok(!x.failure!.detail.includes(SECRET))
  return x.failure!.detail
}

describe('hmac-auth', () => {
  it('lets what is signed pass', () => {
    const imf = new Date().toUTCString()
    for (const request of [
      signed({ headers: ['x-date', now()] }),
      signed({ headers: ['date', imf] }),
      signed({ headers: ['date', 'long ago', 'x-date', imf] }),
      signed({ target: '/a/b?c=%20&d', method: 'DELETE', headers: ['date', imf] }),
      signed({ headers: ['date', imf, 'host', 'test', 'x-a', 'é'], names: ['x-a', 'host'] }),
      signed({ headers: ['date', imf, 'content-digest', digestOf('')] }),
      signed({ method: 'POST', bodyLength: 3, headers: ['date', imf, 'content-digest', digestOf('abc')] }),
      signed({ method: 'POST', bodyLength: -1, headers: ['date', imf, 'content-digest', `${digestOf('')}, md5=:xx:`] }),
    ]) {
      const latin1 = request.headers!.includes('é')
      const x = requestOf(latin1 ? signedLatin1(imf) : request)
      assert.equal(instance().access!(x), NEXT, x.failure?.detail)
      assert.deepEqual([x.consumer, x.claims], ['anna', { plan: 'gold' }])
    }
  })

  it('refuses what is not, or not now', () => {
    const good = signed({ headers: ['x-date', now()] })
    const [, authorization = ''] = good.headers!
    const refused: (readonly [RequestLike, RegExp])[] = [
      [{}, /not signed/],
      [{ headers: ['authorization', 'Basic abc'] }, /well-formed/],
      [{ headers: ['authorization', authorization, ...good.headers!] }, /well-formed/],
      [{ headers: ['authorization', authorization] }, /one X-Date/],
      [{ headers: [...good.headers!, 'x-date', now()] }, /one X-Date/],
      [{ ...good, method: 'POST' }, /wrong/],
      [{ ...good, target: '/other' }, /wrong/],
      [{ ...good, target: '/?a' }, /wrong/],
      [{ ...good, bodyLength: 1 }, /Content-Digest/],
      [signed({ secret: 'another', headers: ['x-date', now()] }), /wrong/],
      [signed({ keyId: 'k-2', headers: ['x-date', now()] }), /wrong/],
      [signed({ keyId: '__proto__', headers: ['x-date', now()] }), /wrong/],
      [signed({ headers: ['x-date', now(-6 * MINUTE)] }), /too far/],
      [signed({ headers: ['x-date', now(6 * MINUTE)] }), /too far/],
      [signed({ headers: ['x-date', String(Date.now())] }), /IMF-fixdate/],
      [signed({ headers: ['x-date', now(), 'x-a', '1', 'x-a', '2'], names: ['x-a'] }), /more than once/],
      [signed({ headers: ['x-date', now()], names: ['x-a'] }), /missing/],
      [signed({ headers: ['x-date', now(), 'content-digest', 'sha-512=:abc:'], bodyLength: 3 }), /sha-256/],
      [signed({ headers: ['x-date', now(), 'content-digest', 'nonsense'] }), /sha-256/],
      [signed({ headers: ['x-date', now(), 'content-digest', 'a', 'content-digest', 'b'] }), /more than once/],
    ]
    for (const [request, detail] of refused) assert.match(refusal(request), detail)
    assert.match(refusal(good, { headers: ['Host'] }), /must cover host/)
    assert.match(refusal(signed({ headers: ['x-date', now(-2000)] }), { clockSkew: 1000 }), /too far/)
  })

  it('refuses the second use of a signature', () => {
    const { access } = instance()
    const request = signed({ headers: ['x-date', now()] })
    assert.equal(access!(requestOf(request)), NEXT)
    const again = requestOf(request)
    assert.equal(access!(again), FAILED)
    assert.match(again.failure!.detail, /used before/)
  })

  it('refuses with 503 what it could not remember', () => {
    const { access } = instance({ replays: 1 })
    assert.equal(access!(requestOf(signed({ headers: ['x-date', now()] }))), NEXT)
    const x = requestOf(signed({ target: '/b', headers: ['x-date', now()] }))
    assert.equal(access!(x), FAILED)
    assert.equal(x.failure!.kind.status, 503)
  })

  it('checks the body against the digest that was signed, whatever the header says later', () => {
    const { access, body } = instance()
    const request = signed({ bodyLength: 3, headers: ['x-date', now(), 'content-digest', digestOf('abc')] })
    const x = requestOf(request)
    assert.equal(access!(x), NEXT)
    x.setRequestHeader('content-digest', digestOf('xyz'))
    const transform = body!.request!(x)!
    assert.equal(transform.chunk(Buffer.from('xyz')), null)
    assert.throws(() => transform.end(), BodyRefused)
    // The same Exchange with its next request, which has no body.
    x.reset()
    void access!(x)
    assert.equal(body!.request!(x), null)
    assert.equal(instance({ verifyBody: false }).body, undefined)
    const empty = requestOf(signed({ target: '/other', headers: ['x-date', now(), 'content-digest', digestOf('abc')] }))
    assert.equal(access!(empty), FAILED)
    assert.equal(empty.failure!.kind.status, 400)
  })

  it('refuses options that make no sense, without showing a secret', () => {
    const wrong: (readonly [object, RegExp])[] = [
      [{ keys: [{ id: 'a', secret: 'SECRET', consumer: 'a' }] }, /6 bytes/],
      [{ keys: [{ id: 'a,b', secret: SECRET, consumer: 'a' }] }, /id/],
      [{ keys: [...KEYS, ...KEYS] }, /twice/],
      [{ keys: [{ id: 'a', secret: SECRET, consumer: 'ž' }] }, /consumer/],
      [{ clockSkew: 0 }, /clockSkew/],
      [{ clockSkew: 3_600_001 }, /clockSkew/],
      [{ headers: ['a b'] }, /not a header name/],
      [{ headers: ['Authorization'] }, /itself/],
    ]
    for (const [options, message] of wrong) {
      assert.throws(
        () => instance(options),
        (error: Error) =>
          error instanceof TypeError && message.test(error.message) && !error.message.includes('SECRET'),
      )
    }
  })
})

/** Bytes beyond ASCII are signed as they are sent. */
function signedLatin1(date: string): RequestLike {
  const text = `HMAC-SHA256\nGET\n/\n\n${date}\n\nx-a:\u00e9`
  const signature = createHmac('sha256', SECRET).update(Buffer.from(text, 'latin1')).digest('base64')
  return {
    headers: [
      'authorization',
      `hmac-sha256 keyId="k-1", signature="${signature}", headers="X-A"`,
      'date',
      date,
      'x-a',
      '\u00e9',
    ],
  }
}

describe('authorization', () => {
  const signature = Buffer.alloc(32, 255).toString('base64')

  it('is read with quotes and without, in any order', () => {
    for (const field of [
      `HMAC-SHA256 keyId=a,signature=${signature},headers="host x-a"`,
      `HMAC-SHA256 headers="Host X-A" , keyid="a",\tsignature="${signature}"`,
    ]) {
      const { keyId, headers, signature: bytes } = readAuthorization(field)!
      assert.deepEqual([keyId, headers, bytes.length], ['a', ['host', 'x-a'], 32])
    }
    assert.deepEqual(readAuthorization(`HMAC-SHA256 keyId=a,signature=${signature},`)!.headers, [])
  })

  it('is refused when it could be read in two ways, or not at all', () => {
    for (const parameters of [
      '',
      `keyId=a`,
      `signature=${signature}`,
      `keyId=,signature=${signature}`,
      `keyId=a,keyId=b,signature=${signature}`,
      `keyId=a signature=${signature}`,
      `keyId=a,signature=${signature.slice(4)}`,
      `keyId=a,signature=${signature.replace('=', '')}`,
      `keyId=a,signature=${signature.slice(0, -2)}9=`,
      `keyId=a,signature=${signature},headers="a  b"`,
      `keyId=a,signature=${signature},headers="a a"`,
      `keyId=a,signature=${signature},headers="authorization"`,
      `keyId=a,signature=${signature},headers="${Array.from({ length: 33 }, (_, i) => `h${i}`).join(' ')}"`,
      `keyId=${'a'.repeat(129)},signature=${signature}`,
      `keyId="a,signature=${signature}`,
      `,${','.repeat(4000)}`,
      'a='.repeat(50_000),
    ]) {
      assert.equal(readAuthorization(`HMAC-SHA256 ${parameters}`), null, parameters.slice(0, 100))
    }
  })
})

describe('dates', () => {
  it('have one of two forms', () => {
    assert.equal(readDate('Sun, 06 Nov 1994 08:49:37 GMT'), 784_111_777_000)
    assert.equal(readDate('1994-11-06T08:49:37Z'), 784_111_777_000)
    assert.equal(readDate('1994-11-06T09:49:37.000+01:00'), 784_111_777_000)
    for (const text of ['', '0', '784111777', 'Sunday, 06-Nov-94 08:49:37 GMT', '1994-11-06', '1994-13-06T08:49:37Z']) {
      assert.ok(Number.isNaN(readDate(text)), text)
    }
  })
})

describe('the replay table', () => {
  it('remembers for as long as a date is accepted, and no longer', () => {
    let time = 100 * MINUTE
    const table = new ReplayTable(() => time)
    table.keepFor(5 * MINUTE)
    table.keepFor(MINUTE)
    const ahead = time + 5 * MINUTE
    assert.equal(table.use('a', time, 10), 'first')
    assert.equal(table.use('a', ahead, 10), 'first')
    time += 5 * MINUTE
    assert.equal(table.use('a', 100 * MINUTE, 10), 'again')
    time = ahead + 5 * MINUTE
    assert.equal(table.use('a', ahead, 10), 'again')
    assert.equal(table.size, 1)
    time += 2 * MINUTE
    assert.equal(table.use('b', time, 1), 'first')
    assert.equal(table.use('c', time, 1), 'full')
    assert.equal(table.use('b', time, 1), 'again')
    assert.equal(table.size, 1)
  })
})

describe('the digest check', () => {
  it('holds the last chunk back until the digest is right', () => {
    const check = new DigestCheck(readDigest(digestOf('abcdef'))!)
    const bytes = Buffer.from('abc')
    assert.equal(check.chunk(bytes), null)
    bytes.fill(0)
    assert.equal(Buffer.from(check.chunk(Buffer.from('def'))!).toString(), 'abc')
    assert.equal(Buffer.from(check.end()!).toString(), 'def')
    assert.equal(new DigestCheck(readDigest(digestOf(''))!).end(), null)
  })

  it('refuses any other body', () => {
    const check = new DigestCheck(readDigest(digestOf('abc'))!)
    check.chunk(Buffer.from('abd'))
    assert.throws(() => check.end(), BodyRefused)
    assert.throws(() => new DigestCheck(readDigest(digestOf('abc'))!).end(), BodyRefused)
  })
})
