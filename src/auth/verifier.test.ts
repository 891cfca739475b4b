import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { base64url, hmacToken, Signer, type Json } from '../../test/lab/tokens.ts'
import type { Algorithm, CheckedToken, TokenRules } from '../contract/auth.ts'
import type { Claims } from '../contract/plugin.ts'
import { jwkKey, pemKey, secretKey, type Key } from './key.ts'
import { FixedKeys, KeySet, type Keys } from './key-set.ts'
import { Verifier } from './verifier.ts'

const START = 1_800_000_000_000
const NOW = START / 1000
const EXP = NOW + 3600

const es256 = new Signer('ES256', 'one')
const rs256 = new Signer('RS256', 'rsa')

class TestClock {
  time = 0
  readonly wall = (): number => START + this.time
  readonly monotonic = (): number => this.time
}

/** Keys that a test replaces, and that it can make come late. */
class TestKeys implements Keys {
  readonly set = new KeySet()
  asked = 0
  arrival: Promise<void> | null = null

  get available(): boolean {
    return this.set.available
  }

  get revision(): number {
    return this.set.revision
  }

  async start(): Promise<void> {}

  candidates(algorithm: Algorithm, id: string): readonly Key[] {
    return this.set.candidates(algorithm, id)
  }

  askAgain(): Promise<void> | null {
    this.asked++
    return this.arrival
  }
}

function laboratory(rules: Partial<TokenRules> = {}, keys: Keys = new FixedKeys(jwkKey(es256.jwk, false)!)) {
  const clock = new TestClock()
  let derived = 0
  const derive = (claims: Claims): object | string => {
    derived++
    return claims['sub'] === 'nobody' ? 'nobody may not' : { sub: claims['sub'] }
  }
  const all: TokenRules = {
    keys: { jwks: '' },
    algorithms: ['ES256'],
    issuers: [],
    audiences: [],
    required: ['exp'],
    leeway: 5000,
    cache: { size: 100, ttl: 60_000 },
    ...rules,
  }
  const verifier = new Verifier<object>(all, derive, keys, clock)
  const check = async (token: string): Promise<CheckedToken<object>> => verifier.check(token, 0)
  return { verifier, clock, check, derivations: () => derived }
}

function problemOf(checked: CheckedToken<object>): string {
  return checked.accepted ? 'accepted' : checked.problem
}

/** What is refused without a promise was refused without cryptography. */
function problemAtOnce(checked: CheckedToken<object> | Promise<CheckedToken<object>>): string {
  assert.ok(!(checked instanceof Promise))
  return problemOf(checked)
}

describe('algorithms', () => {
  const all: Algorithm[] = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']
  for (const algorithm of all) {
    it(`${algorithm}: its own tokens and no others`, async () => {
      const signer = new Signer(algorithm, 'k')
      const { check } = laboratory({ algorithms: [algorithm] }, new FixedKeys(pemKey(signer.pem)))
      assert.ok((await check(signer.token({ exp: EXP }))).accepted)
      assert.match(problemOf(await check(new Signer(algorithm, 'k').token({ exp: EXP }))), /signature/)
    })
  }

  for (const [algorithm, size] of [
    ['HS256', 32],
    ['HS384', 48],
    ['HS512', 64],
  ] as const) {
    it(`${algorithm}: secrets of at least ${size} bytes`, async () => {
      const secret = 's'.repeat(size)
      const { check } = laboratory({ algorithms: [algorithm] }, new FixedKeys(secretKey(secret, [algorithm])))
      assert.ok((await check(hmacToken(secret, { alg: algorithm }, { exp: EXP }))).accepted)
      assert.throws(() => secretKey('s'.repeat(size - 1), [algorithm]), /at least/)
    })
  }

  it('none, in any spelling, is refused unread', () => {
    const { verifier } = laboratory()
    for (const alg of [
      'none',
      'None',
      'NONE',
      'nOnE',
      '',
      ' ES256',
      'es256',
      'HS256',
      'RS256',
      '__proto__',
      'toString',
    ]) {
      for (const signature of ['', 'AA']) {
        const token = `${base64url(JSON.stringify({ alg }))}.${base64url(JSON.stringify({ exp: EXP }))}.${signature}`
        assert.match(problemAtOnce(verifier.check(token, 0)), signature === '' ? /malformed/ : /algorithm/)
      }
    }
    for (const alg of [1, null, ['ES256'], {}]) {
      const token = `${base64url(JSON.stringify({ alg }))}.e30.AA`
      assert.match(problemAtOnce(verifier.check(token, 0)), /malformed/)
    }
  })

  it('a public key is never the secret of an HMAC', async () => {
    for (const secret of [
      rs256.pem,
      rs256.pem.trimEnd(),
      JSON.stringify(rs256.jwk),
      rs256.publicKey.export({ type: 'spki', format: 'der' }),
    ]) {
      const token = hmacToken(secret, { alg: 'HS256' }, { exp: EXP })
      const pinned = laboratory({ algorithms: ['RS256'] }, new FixedKeys(pemKey(rs256.pem)))
      assert.match(problemOf(await pinned.check(token)), /algorithm/)
      const both = laboratory({ algorithms: ['RS256', 'HS256'] }, new FixedKeys(pemKey(rs256.pem)))
      assert.match(problemOf(await both.check(token)), /not known/)
    }
  })

  it('a key that names its algorithm serves no other', async () => {
    const key = jwkKey({ ...rs256.jwk, alg: 'RS512' }, false)!
    const { check } = laboratory({ algorithms: ['RS256', 'RS512'] }, new FixedKeys(key))
    assert.match(problemOf(await check(rs256.token({ exp: EXP }))), /not known/)
  })
})

describe('headers', () => {
  it('crit is refused, whatever it names', () => {
    const { verifier } = laboratory()
    for (const crit of [['b64'], ['exp'], [], 'x', null]) {
      assert.match(problemAtOnce(verifier.check(es256.token({ exp: EXP }, { crit, b64: true }), 0)), /critical/)
    }
  })

  it('keys that a token brings along are not looked at', async () => {
    const attacker = new Signer('ES256', 'one')
    const { check } = laboratory()
    const url = 'http://127.0.0.1:9/keys'
    for (const header of [{ jwk: attacker.jwk }, { jku: url }, { x5u: url }, { x5c: ['AAAA'] }] satisfies Json[]) {
      assert.match(problemOf(await check(attacker.token({ exp: EXP }, header))), /signature/)
      assert.ok((await check(es256.token({ exp: EXP }, header))).accepted)
    }
  })

  it('a key id that is no text, or endless, is refused', () => {
    const { verifier } = laboratory()
    for (const kid of [1, null, ['one'], {}, 'k'.repeat(257)])
      assert.match(problemAtOnce(verifier.check(es256.token({ exp: EXP }, { kid }), 0)), /malformed/)
  })

  it('duplicate members in header or payload are refused, however they are spelt', () => {
    const { verifier } = laboratory()
    const header = '{"alg":"ES256"}'
    const good = `{"exp":${EXP}}`
    const bad: [string, string][] = [
      ['{"alg":"ES256","alg":"ES256"}', good],
      [String.raw`{"alg":"none","\u0061lg":"ES256"}`, good],
      [header, `{"exp":${EXP},"sub":"a","sub":"b"}`],
      [header, String.raw`{"exp":${EXP},"sub":"a","\u0073ub":"b"}`],
      [header, `{"exp":${EXP},"a":[{"b":1,"c":{"d":1 , "d" : 2}}]}`],
    ]
    for (const [head, payload] of bad)
      assert.match(problemAtOnce(verifier.check(es256.signed(head, payload), 0)), /malformed/)
  })

  it('equal names in different objects, and texts that look like names, are fine', async () => {
    const { check } = laboratory()
    const payload = `{"exp":${EXP},"a":{"exp":1},"b":["exp","exp"],"c":"\\"exp\\":1","d":"exp","e\\\\":1}`
    const checked = await check(es256.signed('{"alg":"ES256"}', payload))
    assert.ok(checked.accepted)
    assert.equal(checked.claims['c'], '"exp":1')
  })
})

describe('form', () => {
  const good = es256.token({ exp: EXP })
  const [header = '', payload = '', signature = ''] = good.split('.')

  it('truncated anywhere, a token is refused', async () => {
    const { check } = laboratory()
    for (let length = 0; length < good.length; length += 1) {
      assert.ok(!(await check(good.slice(0, length))).accepted, `${length} of ${good.length}`)
    }
  })

  it('anything that is not exactly the compact form is refused unread', () => {
    const { verifier } = laboratory()
    const bad = [
      '',
      '.',
      '..',
      '...',
      `${header}.${payload}`,
      `${good}.`,
      `${good}.x.y`,
      `.${payload}.${signature}`,
      `${header}..${signature}`,
      `${header}.${payload}.`,
      `${good}=`,
      `${header}==.${payload}.${signature}`,
      `${good} `,
      ` ${good}`,
      `${header}.${payload}.${signature.replaceAll(/.$/g, '+')}`,
      `${header}.${payload}.${signature.slice(0, 40)}\n${signature.slice(40)}`,
      // The same bytes with other bits behind the last one.
      `${header}.${payload}.${signature.slice(0, -1)}${signature.endsWith('B') ? 'C' : 'B'}`,
      es256.signed('[]', '{}'),
      es256.signed('{"alg":"ES256"}', '[]'),
      es256.signed('{"alg":"ES256"}', 'null'),
      es256.signed('{"alg":"ES256"}', '{"exp":1'),
      es256.signed('{"alg":"ES256"}', '\u{feff}{"exp":1}'),
      es256.signed('{"alg":"ES256"}', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])),
      es256.signed('{"alg":"ES256"}', `{"a":${'['.repeat(40)}${']'.repeat(40)}}`),
      es256.signed('{"alg":"ES256"}', '['.repeat(5000)),
    ]
    for (const token of bad) assert.match(problemAtOnce(verifier.check(token, 0)), /malformed/, token.slice(0, 100))
  })

  it('more than 8 KiB are refused unread', async () => {
    const { verifier, check } = laboratory()
    const rest = es256.token({ exp: EXP, x: '' }).length
    const fits = es256.token({ exp: EXP, x: 'x'.repeat(Math.floor(((8192 - rest) * 3) / 4) - 2) })
    assert.ok(fits.length <= 8192 && fits.length > 8180)
    assert.ok((await check(fits)).accepted)
    assert.match(problemAtOnce(verifier.check(es256.token({ exp: EXP, x: 'x'.repeat(6200) }), 0)), /too long/)
    assert.match(problemAtOnce(verifier.check('x'.repeat(1_000_000), 0)), /too long/)
  })
})

describe('claims', () => {
  it('issuer and audience: one of those that are named', async () => {
    const { check } = laboratory({ issuers: ['a', 'b'], audiences: ['x', 'y'] })
    const fine: Json[] = [
      { iss: 'a', aud: 'x' },
      { iss: 'b', aud: ['z', 'y'] },
    ]
    for (const claims of fine) assert.ok((await check(es256.token({ ...claims, exp: EXP }))).accepted)
    for (const iss of [undefined, 'c', '', 'A', ['a'], null, { a: 1 }])
      assert.match(problemOf(await check(es256.token({ iss, aud: 'x', exp: EXP }))), /issuer/)
    for (const aud of [undefined, 'z', '', 'X', [], ['z'], [['x']], { x: 1 }, null])
      assert.match(problemOf(await check(es256.token({ iss: 'a', aud, exp: EXP }))), /audience/)
  })

  it('required claims must be there, own and not null', async () => {
    const { check } = laboratory({ required: ['exp', 'tenant', 'toString'] })
    assert.ok((await check(es256.token({ exp: EXP, tenant: '', toString: 1 }))).accepted)
    assert.match(problemOf(await check(es256.token({ exp: EXP, toString: 1 }))), /no claim tenant/)
    assert.match(problemOf(await check(es256.token({ exp: EXP, tenant: null, toString: 1 }))), /no claim tenant/)
    assert.match(problemOf(await check(es256.token({ exp: EXP, tenant: 1 }))), /no claim toString/)
    assert.match(problemOf(await check(es256.token({ tenant: 1, toString: 1 }))), /no claim exp/)
  })

  it('what derive says refuses a token', async () => {
    assert.equal(problemOf(await laboratory().check(es256.token({ exp: EXP, sub: 'nobody' }))), 'nobody may not')
  })

  const skew: readonly [Json, RegExp][] = [
    [{ exp: NOW - 4 }, /accepted/],
    [{ exp: NOW - 5 }, /expired/],
    [{ exp: EXP, nbf: NOW + 5 }, /accepted/],
    [{ exp: EXP, nbf: NOW + 6 }, /not valid yet/],
    [{ exp: EXP, iat: NOW + 5 }, /accepted/],
    [{ exp: EXP, iat: NOW + 6 }, /issued in the future/],
    [{ exp: NOW + 0.5 }, /accepted/],
    [{ exp: -1 }, /expired/],
  ]
  for (const [claims, expected] of skew) {
    it(`clocks that differ by 5 s: ${JSON.stringify(claims)}`, async () => {
      assert.match(problemOf(await laboratory().check(es256.token(claims))), expected)
    })
  }

  it('times that are no numbers are refused', async () => {
    const { check } = laboratory()
    for (const name of ['exp', 'nbf', 'iat'])
      for (const value of [String(EXP), null, true, [EXP], {}])
        assert.match(
          problemOf(await check(es256.token({ exp: EXP, [name]: value }))),
          name === 'exp' && value === null ? /no claim exp|not a number/ : /not a number/,
        )
    assert.ok((await check(es256.signed('{"alg":"ES256"}', '{"exp":1e400}'))).accepted)
  })
})

describe('what is remembered', () => {
  it('an accepted token is accepted at once, and derived once', async () => {
    const { verifier, check, derivations } = laboratory()
    const token = es256.token({ exp: EXP, sub: 'me' })
    const first = await check(token)
    assert.ok(first.accepted)
    for (let i = 0; i < 3; i++) assert.equal(verifier.check(token, 0), first)
    assert.equal(derivations(), 1)
  })

  it('many requests with the same new token cost one verification', async () => {
    const { verifier, derivations } = laboratory()
    const token = es256.token({ exp: EXP })
    const checks = Array.from({ length: 50 }, () => verifier.check(token, 0))
    assert.equal(verifier.sizes.running, 1)
    const results = await Promise.all(checks)
    assert.equal(new Set(results).size, 1)
    assert.deepEqual([derivations(), verifier.sizes.running], [1, 0])
  })

  it('exp is heeded on every hit, and so is nbf when the clock goes back', async () => {
    const { verifier, clock, check } = laboratory()
    const token = es256.token({ exp: NOW + 10, nbf: NOW, iat: NOW })
    assert.ok((await check(token)).accepted)
    clock.time = 14_999
    assert.equal(problemAtOnce(verifier.check(token, 0)), 'accepted')
    clock.time = 15_000
    assert.match(problemOf(await check(token)), /expired/)
    clock.time = 0
    const other = es256.token({ exp: EXP, nbf: NOW })
    assert.ok((await check(other)).accepted)
    clock.time = -5001
    assert.match(problemAtOnce(verifier.check(other, 0)), /not valid yet/)
  })

  it('a token that is not valid yet is good in time, without another verification', async () => {
    const { verifier, clock, check, derivations } = laboratory()
    const token = es256.token({ exp: EXP, nbf: NOW + 10 })
    assert.match(problemOf(await check(token)), /not valid yet/)
    assert.match(problemAtOnce(verifier.check(token, 0)), /not valid yet/)
    clock.time = 5000
    assert.equal(problemAtOnce(verifier.check(token, 0)), 'accepted')
    assert.equal(derivations(), 1)
  })

  it('after its ttl a token is verified again', async () => {
    const { verifier, clock, check, derivations } = laboratory()
    const token = es256.token({ exp: EXP })
    await check(token)
    clock.time = 60_000
    assert.ok(verifier.check(token, 0) instanceof Promise)
    assert.ok((await check(token)).accepted)
    assert.equal(derivations(), 2)
  })

  it('garbage neither pushes out good tokens nor is verified twice', async () => {
    const { verifier, clock, check } = laboratory()
    const good = es256.token({ exp: EXP })
    await check(good)
    const garbage = (i: number): string => `${good.slice(0, -80)}${String(i).padStart(6, 'A')}${good.slice(-74)}`
    for (let i = 0; i < 1100; i++) assert.match(problemOf(await check(garbage(i))), /signature/)
    assert.deepEqual(verifier.sizes, { accepted: 1, refused: 1000, running: 0 })
    assert.equal(problemAtOnce(verifier.check(good, 0)), 'accepted')
    assert.match(problemAtOnce(verifier.check(garbage(1099), 0)), /signature/)
    clock.time = 5000
    assert.ok(verifier.check(garbage(1099), 0) instanceof Promise)
  })

  it('so many at once are refused as unavailable', async () => {
    const { verifier } = laboratory()
    const good = es256.token({ exp: EXP })
    const garbage = Array.from(
      { length: 4200 },
      (_, i) => `${good.slice(0, -80)}${String(i).padStart(6, 'A')}${good.slice(-74)}`,
    )
    const checks = garbage.map((token) => verifier.check(token, 0))
    const overload = checks.filter((checked) => !(checked instanceof Promise))
    assert.equal(overload.length, 104)
    for (const checked of overload) assert.ok('accepted' in checked && !checked.accepted && checked.unavailable)
    await Promise.all(checks)
    assert.equal(verifier.sizes.running, 0)
  })
})

describe('keys that change', () => {
  const two = new Signer('ES256', 'two')

  it('none yet: unavailable', () => {
    const { verifier } = laboratory({}, new TestKeys())
    const checked = verifier.check(es256.token({ exp: EXP }), 0)
    assert.ok('accepted' in checked && !checked.accepted && checked.unavailable)
  })

  it('all that was remembered is forgotten', async () => {
    const keys = new TestKeys()
    keys.set.replace([jwkKey(es256.jwk, false)!])
    const { check, verifier } = laboratory({}, keys)
    const [old, fresh] = [es256.token({ exp: EXP }), two.token({ exp: EXP }, { kid: 'one' })]
    assert.ok((await check(old)).accepted)
    assert.match(problemOf(await check(fresh)), /signature/)
    keys.set.replace([jwkKey({ ...two.jwk, kid: 'one' }, false)!])
    assert.match(problemOf(await check(old)), /signature/)
    assert.ok((await check(fresh)).accepted)
    assert.deepEqual(verifier.sizes, { accepted: 1, refused: 1, running: 0 })
  })

  it('what was verified with the old ones meanwhile is not remembered', async () => {
    const keys = new TestKeys()
    keys.set.replace([jwkKey(es256.jwk, false)!])
    const { check, verifier } = laboratory({}, keys)
    const token = es256.token({ exp: EXP })
    const checking = verifier.check(token, 0)
    assert.ok(checking instanceof Promise)
    keys.set.replace([jwkKey(two.jwk, false)!])
    await checking
    assert.equal(verifier.sizes.accepted, 0)
    assert.match(problemOf(await check(token)), /not known/)
  })

  it('the token of an unknown key waits for it, with all others of the same text', async () => {
    const keys = new TestKeys()
    keys.set.replace([jwkKey(es256.jwk, false)!])
    let arrive = (): void => {}
    keys.arrival = new Promise((resolve) => (arrive = resolve))
    const { verifier } = laboratory({}, keys)
    const token = two.token({ exp: EXP })
    const checks = [verifier.check(token, 0), verifier.check(token, 0)]
    keys.set.replace([jwkKey(es256.jwk, false)!, jwkKey(two.jwk, false)!])
    arrive()
    for (const checked of await Promise.all(checks)) assert.ok(checked.accepted)
    assert.ok(keys.asked >= 1)
  })

  it('unknown keys beyond a number that may wait are refused at once', async () => {
    const keys = new TestKeys()
    keys.set.replace([jwkKey(es256.jwk, false)!])
    let arrive = (): void => {}
    keys.arrival = new Promise((resolve) => (arrive = resolve))
    const { verifier } = laboratory({}, keys)
    const unknown = Array.from({ length: 300 }, (_, i) => es256.token({ exp: EXP }, { kid: `made-up-${i}` }))
    const checks = unknown.map((token) => verifier.check(token, 0))
    assert.equal(checks.filter((checked) => checked instanceof Promise).length, 256)
    arrive()
    for (const checked of await Promise.all(checks)) assert.match(problemOf(checked), /not known/)
  })
})
