import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { NEXT } from '../../src/contract/plugin.ts'
import { instanceOf, replyHeader, requestOf, type RequestLike } from '../../test/lab/plugin-exchange.ts'
import plugin, { pointOf } from './plugin.ts'

/** Made with another implementation of HMAC-SHA256. */
const POINTS = [2371, 2161, 4452]

function run(options: object, request: RequestLike = {}, claims: Record<string, unknown> | null = null) {
  const x = requestOf(request)
  if (claims !== null) x.authenticate('a', claims)
  assert.equal(instanceOf(plugin, { by: { header: 'x-user' }, ...options }).request!(x), NEXT)
  return { x, canary: x.header('x-canary') === '1', cookie: replyHeader(x, 'set-cookie') }
}

describe('canary', () => {
  it('gives the same user the same point for ever: these are part of the interface', () => {
    assert.deepEqual([pointOf('', 'anna'), pointOf('', 'bert'), pointOf('s', 'anna')], POINTS)
  })

  it('marks about the share, keeps those who are in as it grows, and chooses others with another salt', () => {
    const users = Array.from({ length: 2000 }, (_, i) => `user-${i}`)
    const marked = (share: string, salt: string) => {
      const { request } = instanceOf(plugin, { share, salt, by: { header: 'x-user' } })
      return users.filter((user) => {
        const x = requestOf({ headers: ['x-user', user] })
        void request!(x)
        return x.header('x-canary') === '1'
      })
    }
    const [ten, thirty, other] = [marked('10%', 's'), marked('30%', 's'), marked('10%', 't')]
    assert.ok(ten.length > 140 && ten.length < 260, `${ten.length}`)
    assert.ok(thirty.length > 500 && thirty.length < 700, `${thirty.length}`)
    assert.ok(ten.every((user) => thirty.includes(user)))
    assert.ok(ten.some((user) => !other.includes(user)))
    assert.deepEqual(marked('0%', 's'), [])
    assert.deepEqual(marked('100%', 's'), users)
  })

  it('tells users apart by header, cookie, claim or address', () => {
    const share = '100%'
    assert.equal(run({ share }, { headers: ['x-user', 'a'] }).canary, true)
    assert.equal(run({ share, by: { cookie: 'id' } }, { headers: ['cookie', 'id=a'] }).canary, true)
    assert.equal(run({ share, by: { claim: 'user.id' } }, {}, { user: { id: 7 } }).canary, true)
    assert.equal(run({ share, by: 'client-ip' }).canary, true)
    for (const by of [{ header: 'x-user' }, { cookie: 'id' }, { claim: 'sub' }]) {
      assert.equal(run({ share, by }, { headers: ['x-user', '', 'cookie', 'a=b'] }, { sub: ['a'] }).canary, false)
      assert.equal(run({ share, by, otherwise: 'random' }).canary, true)
    }
  })

  it('believes no mark of a client', () => {
    const headers = ['x-user', 'a', 'X-Canary', '1', 'X-Canary', '2']
    assert.equal(run({ share: '0%' }, { headers }).x.hasHeader('x-canary'), false)
    assert.deepEqual(run({ share: '100%' }, { headers }).x.headerValues('x-canary'), ['1'])
    const { x } = run({ share: '100%', header: 'X-Track:beta' }, { headers })
    assert.deepEqual(x.headerValues('x-track'), ['beta'])
  })

  it('sticks to the point of the first visit, also when the share changes', () => {
    const options = { share: '50%', stick: 'track', otherwise: 'random' }
    const first = run(options, { scheme: 'https' })
    const [, point = ''] = /^track=(\d{4}); Path=\/; Max-Age=2592000; HttpOnly; SameSite=Lax; Secure$/.exec(
      first.cookie,
    )!
    const headers = ['cookie', `track=${point}`, 'x-user', 'somebody']
    for (let i = 0; i < 20; i++) {
      const again = run(options, { headers })
      assert.deepEqual([again.canary, again.cookie], [first.canary, ''])
    }
    assert.equal(run({ ...options, share: '0%' }, { headers }).canary, false)
    assert.equal(run({ ...options, share: '100%' }, { headers }).canary, true)
    assert.match(
      run(options, { headers: ['x-user', 'anna'] }).cookie,
      new RegExp(`^track=${String(POINTS[0]).padStart(4, '0')};`),
    )
    assert.equal(run({ share: '50%', stick: 'track' }).cookie, '')
    for (const bad of ['', 'x', '99999', '-001', '1e10']) {
      assert.notEqual(run(options, { headers: ['cookie', `track=${bad}`] }).cookie, '')
    }
  })

  it('refuses options that make no sense', () => {
    const wrong: (readonly [object, RegExp])[] = [
      [{ share: '10' }, /not a share/],
      [{ by: { header: 'a b' } }, /not the name/],
      [{ by: { claim: '' } }, /path of a claim/],
      [{ header: 'x-canary' }, /name and a value/],
      [{ header: 'x canary: 1' }, /token/],
      [{ header: 'x-canary: a\nb' }, /forbids/],
      [{ stick: 'a=b' }, /cookie/],
    ]
    for (const [options, message] of wrong) {
      assert.throws(
        () => instanceOf(plugin, { share: '10%', by: 'client-ip', ...options }),
        (error: Error) => error instanceof TypeError && message.test(error.message),
      )
    }
  })
})
