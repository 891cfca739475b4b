import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { describe, it } from 'node:test'
import { FAILED, NEXT } from '../../src/contract/plugin.ts'
import { instanceOf, replyHeader, requestOf, type RequestLike } from '../../test/lab/plugin-exchange.ts'
import plugin from './plugin.ts'

const KEYS = [
  { key: 'first-key-0123456789', consumer: 'anna', claims: { plan: 'gold' } },
  { key: `sha256:${hash('sha256', 'second-key', 'hex').toUpperCase()}`, consumer: 'bert' },
  { key: 'schlüssel', consumer: 'cleo' },
]

function run(options: object, request: RequestLike) {
  const x = requestOf(request)
  const verdict = instanceOf(plugin, { keys: KEYS, ...options }).access!(x)
  return { x, verdict }
}

describe('key-auth', () => {
  it('knows literal keys, digests and keys beyond ASCII', () => {
    const utf8 = Buffer.from('schlüssel').toString('latin1')
    for (const [key, consumer] of [
      ['first-key-0123456789', 'anna'],
      ['second-key', 'bert'],
      [utf8, 'cleo'],
    ]) {
      const { x, verdict } = run({}, { headers: ['X-Api-Key', key!] })
      assert.deepEqual([verdict, x.consumer, x.hasHeader('x-api-key')], [NEXT, consumer, false])
    }
    assert.deepEqual(run({}, { headers: ['x-api-key', KEYS[0]!.key] }).x.claims, { plan: 'gold' })
  })

  it('refuses all others with a challenge', () => {
    const refused: (readonly [readonly string[], RegExp])[] = [
      [[], /no API key/],
      [['x-api-key', ''], /no API key/],
      [['x-api-key', 'second-keY'], /not known/],
      [['x-api-key', KEYS[1]!.key], /not known/],
      [['x-api-key', 'k'.repeat(100_000)], /not known/],
      [['x-api-key', 'second-key', 'x-api-key', 'second-key'], /more than one/],
      [['x-api-key', '__proto__'], /not known/],
      [['authorization', 'second-key'], /no API key/],
    ]
    for (const [headers, detail] of refused) {
      const { x, verdict } = run({ realm: 'my "api"' }, { headers })
      assert.equal(verdict, FAILED)
      assert.equal(x.failure!.kind.status, 401)
      assert.match(x.failure!.detail, detail)
      assert.equal(replyHeader(x, 'www-authenticate'), String.raw`ApiKey realm="my \"api\""`)
      assert.equal(x.consumer, '')
    }
  })

  it('takes the key from a cookie and hides it there, in every Cookie field', () => {
    const from = { cookie: 'key' }
    const { x, verdict } = run({ from }, { headers: ['cookie', 'a=1; key="second-key"', 'cookie', 'b=2; key='] })
    assert.deepEqual([verdict, x.consumer, x.headerValues('cookie')], [NEXT, 'bert', ['a=1; b=2']])
    const alone = run({ from }, { headers: ['cookie', 'key=second-key'] })
    assert.equal(alone.x.hasHeader('cookie'), false)
    const twice = run({ from }, { headers: ['cookie', 'key=second-key', 'cookie', 'key=other'] })
    assert.equal(twice.verdict, FAILED)
  })

  it('takes the key from the query and hides it there, however it is escaped', () => {
    const from = { query: 'key' }
    for (const [target, left] of [
      ['/?key=second-key', ''],
      ['/?a=1&k%65y=second%2Dkey&b=2', '?a=1&b=2'],
      ['/?a=%zz&key=&key=second-key&', '?a=%zz&'],
    ]) {
      const { x, verdict } = run({ from }, { target: target! })
      assert.deepEqual([verdict, x.consumer, x.search], [NEXT, 'bert', left])
    }
    assert.equal(run({ from }, { target: '/?key=second-key&key=x' }).verdict, FAILED)
    assert.equal(run({ from }, { target: '/?keys=second-key' }).verdict, FAILED)
  })

  it('refuses keys in two places at once', () => {
    const from = { header: 'X-Key', query: 'key' }
    assert.equal(run({ from }, { target: '/?key=second-key' }).verdict, NEXT)
    assert.equal(run({ from }, { target: '/?key=second-key', headers: ['x-key', 'second-key'] }).verdict, FAILED)
  })

  it('leaves the key when told to', () => {
    const { x } = run({ hide: false }, { headers: ['x-api-key', 'second-key'] })
    assert.equal(x.header('x-api-key'), 'second-key')
  })

  it('refuses options that make no sense, without showing a key', () => {
    const wrong: (readonly [object, RegExp])[] = [
      [{ keys: [{ key: '', consumer: 'a' }] }, /keys\[0\].key is 0 characters/],
      [{ keys: [{ key: 'sha256:SECRET', consumer: 'a' }] }, /64 hexadecimal/],
      [{ keys: [{ key: 'SECRET', consumer: 'a\nb' }] }, /consumer/],
      [{ keys: [...KEYS, { key: 'second-key', consumer: 'a' }] }, /keys\[3\].key is there twice/],
      [{ from: {} }, /no place/],
      [{ from: { header: 'a b' } }, /not the name of a header/],
      [{ realm: 'a\r\nb' }, /realm/],
    ]
    for (const [options, message] of wrong) {
      assert.throws(
        () => instanceOf(plugin, { keys: KEYS, ...options }),
        (error: Error) =>
          error instanceof TypeError && message.test(error.message) && !error.message.includes('SECRET'),
      )
    }
  })
})
