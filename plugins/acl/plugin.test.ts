import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { NEXT, type Claims } from '../../src/contract/plugin.ts'
import { instanceOf, replyHeader, requestOf } from '../../test/lab/plugin-exchange.ts'
import plugin from './plugin.ts'

interface Who {
  readonly consumer?: string
  readonly claims?: Claims
  readonly clientIp?: string
}

/** 200 for what passes. */
function status(options: object, { consumer = '', claims, clientIp = '10.1.2.3' }: Who): number {
  const x = requestOf({ clientIp })
  if (consumer !== '' || claims !== undefined) x.authenticate(consumer, claims ?? {})
  if (instanceOf(plugin, options).access!(x) === NEXT) return 200
  const found = x.failure!.kind.status
  assert.equal(replyHeader(x, 'www-authenticate'), found === 401 ? 'Bearer' : '')
  return found
}

const ANNA = {
  consumer: 'anna',
  claims: { scope: 'read write', plan: 'gold', realm: { roles: ['a', 'b'] }, level: 3, staff: true },
}

describe('acl', () => {
  it('judges each condition', () => {
    const cases: (readonly [object, boolean])[] = [
      [{ consumer: 'anna' }, true],
      [{ consumer: ['bert', 'anna'] }, true],
      [{ consumer: '*' }, true],
      [{ consumer: 'Anna' }, false],
      [{ scope: 'read' }, true],
      [{ scope: ['write', 'read'] }, true],
      [{ scope: ['read', 'admin'] }, false],
      [{ scope: 'rea' }, false],
      [{ claims: { plan: 'gold' } }, true],
      [{ claims: { plan: ['silver', 'gold'] } }, true],
      [{ claims: { plan: 'silver' } }, false],
      [{ claims: { 'realm.roles': 'b' } }, true],
      [{ claims: { 'realm.roles': ['c', 'd'] } }, false],
      [{ claims: { 'realm.none': 'b' } }, false],
      [{ claims: { level: 3, staff: true } }, true],
      [{ claims: { level: '3' } }, false],
      [{ claims: { constructor: 'x' } }, false],
      [{ cidr: '10.0.0.0/8' }, true],
      [{ cidr: ['192.168.0.0/16', '10.1.2.3'] }, true],
      [{ cidr: '2001:db8::/32' }, false],
      [{ consumer: 'anna', cidr: '10.0.0.0/8', scope: 'read', claims: { plan: 'gold' } }, true],
      [{ consumer: 'anna', cidr: '11.0.0.0/8' }, false],
      [{ consumer: 'anna', scope: 'admin' }, false],
    ]
    for (const [rule, expected] of cases) {
      assert.equal(status({ allow: [rule] }, ANNA), expected ? 200 : 403, JSON.stringify(rule))
      assert.equal(status({ deny: [rule] }, ANNA), expected ? 403 : 200, JSON.stringify(rule))
    }
  })

  it('reads scopes as text and as list, and trusts no other form', () => {
    for (const [claims, expected] of [
      [{ scope: 'read' }, 200],
      [{ scope: ['read'] }, 200],
      [{ scp: 'other read' }, 200],
      [{ scp: ['read'] }, 200],
      [{ scope: '', scp: 'read' }, 403],
      [{ scope: { read: true } }, 403],
      [{ scope: null }, 403],
      [{}, 403],
    ] as const) {
      assert.equal(status({ allow: [{ scope: 'read' }] }, { consumer: 'a', claims }), expected, JSON.stringify(claims))
    }
  })

  it('lets deny beat allow, and one rule of several be enough', () => {
    const options = { allow: [{ consumer: 'bert' }, { scope: 'read' }], deny: [{ cidr: '10.9.0.0/16' }] }
    assert.equal(status(options, ANNA), 200)
    assert.equal(status(options, { ...ANNA, clientIp: '10.9.0.1' }), 403)
    assert.equal(status(options, { consumer: 'bert' }), 200)
    assert.equal(status(options, { consumer: 'cleo' }), 403)
    assert.equal(status({ allow: [{ cidr: '10.0.0.0/8' }] }, { clientIp: '::ffff:10.1.2.3' }), 200)
  })

  it('asks who is there only when that could help', () => {
    assert.equal(status({ allow: [{ consumer: 'anna' }] }, {}), 401)
    assert.equal(status({ allow: [{ cidr: '10.9.0.0/16' }, { consumer: '*' }] }, {}), 401)
    assert.equal(status({ allow: [{ cidr: '10.9.0.0/16' }] }, {}), 403)
    assert.equal(status({ allow: [{ cidr: '10.0.0.0/8' }, { scope: 'a' }] }, {}), 200)
    assert.equal(status({ deny: [{ cidr: '10.0.0.0/8' }], allow: [{ consumer: 'anna' }] }, {}), 403)
    assert.equal(status({ deny: [{ consumer: 'anna' }] }, {}), 200)
    // A token without a subject: somebody is there, although without a name.
    assert.equal(status({ allow: [{ consumer: 'anna' }] }, { claims: {} }), 403)
    assert.equal(status({ allow: [{ consumer: '*' }] }, { claims: {} }), 200)
  })

  it('refuses options that make no sense', () => {
    const wrong: (readonly [object, RegExp])[] = [
      [{}, /no rule/],
      [{ allow: [{}] }, /allow\[0\] has no condition/],
      [{ deny: [{ consumer: 'a' }, { claims: {} }] }, /deny\[1\] has no condition/],
      [{ allow: [{ consumer: [] }] }, /empty list/],
      [{ allow: [{ scope: 'a b' }] }, /not one scope/],
      [{ allow: [{ cidr: '10' }] }, /not an address/],
      [{ allow: [{ claims: { 'a..b': 1 } }] }, /path of a claim/],
      [{ allow: [{ consumer: 'a' }], challenge: 'a\n' }, /challenge/],
    ]
    for (const [options, message] of wrong) {
      assert.throws(
        () => instanceOf(plugin, options),
        (error: Error) => error instanceof TypeError && message.test(error.message),
      )
    }
  })
})
