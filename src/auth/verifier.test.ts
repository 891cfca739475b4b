// What a token must be to be accepted.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { base64url, hmacToken, Signer, type Json } from '../../test/lab/tokens.ts'
import { es256, EXP, NOW, problemAtOnce, problemOf, verifierLab } from '../../test/lab/verifier.ts'
import type { Algorithm } from '../contract/auth.ts'
import { jwkKey, pemKey, secretKey } from './key.ts'
import { FixedKeys } from './key-set.ts'

const rs256 = new Signer('RS256', 'rsa')

describe('algorithms', () => {
  const all: Algorithm[] = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']
  for (const algorithm of all) {
    it(`${algorithm}: its own tokens and no others`, async () => {
      const signer = new Signer(algorithm, 'k')
      const { check } = verifierLab({ algorithms: [algorithm] }, new FixedKeys(pemKey(signer.pem)))
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
      const { check } = verifierLab({ algorithms: [algorithm] }, new FixedKeys(secretKey(secret, [algorithm])))
      assert.ok((await check(hmacToken(secret, { alg: algorithm }, { exp: EXP }))).accepted)
      assert.throws(() => secretKey('s'.repeat(size - 1), [algorithm]), /at least/)
    })
  }

  it('none, in any spelling, is refused unread', () => {
    const { verifier } = verifierLab()
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
      const pinned = verifierLab({ algorithms: ['RS256'] }, new FixedKeys(pemKey(rs256.pem)))
      assert.match(problemOf(await pinned.check(token)), /algorithm/)
      const both = verifierLab({ algorithms: ['RS256', 'HS256'] }, new FixedKeys(pemKey(rs256.pem)))
      assert.match(problemOf(await both.check(token)), /not known/)
    }
  })

  it('a key that names its algorithm serves no other', async () => {
    const key = jwkKey({ ...rs256.jwk, alg: 'RS512' }, false)!
    const { check } = verifierLab({ algorithms: ['RS256', 'RS512'] }, new FixedKeys(key))
    assert.match(problemOf(await check(rs256.token({ exp: EXP }))), /not known/)
  })
})

describe('headers', () => {
  it('crit is refused, whatever it names', () => {
    const { verifier } = verifierLab()
    for (const crit of [['b64'], ['exp'], [], 'x', null]) {
      assert.match(problemAtOnce(verifier.check(es256.token({ exp: EXP }, { crit, b64: true }), 0)), /critical/)
    }
  })

  it('keys that a token brings along are not looked at', async () => {
    const attacker = new Signer('ES256', 'one')
    const { check } = verifierLab()
    const url = 'http://127.0.0.1:9/keys'
    for (const header of [{ jwk: attacker.jwk }, { jku: url }, { x5u: url }, { x5c: ['AAAA'] }] satisfies Json[]) {
      assert.match(problemOf(await check(attacker.token({ exp: EXP }, header))), /signature/)
      assert.ok((await check(es256.token({ exp: EXP }, header))).accepted)
    }
  })

  it('a key id that is no text, or endless, is refused', () => {
    const { verifier } = verifierLab()
    for (const kid of [1, null, ['one'], {}, 'k'.repeat(257)])
      assert.match(problemAtOnce(verifier.check(es256.token({ exp: EXP }, { kid }), 0)), /malformed/)
  })

  it('duplicate members in header or payload are refused, however they are spelt', () => {
    const { verifier } = verifierLab()
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
    const { check } = verifierLab()
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
    const { check } = verifierLab()
    for (let length = 0; length < good.length; length += 1) {
      assert.ok(!(await check(good.slice(0, length))).accepted, `${length} of ${good.length}`)
    }
  })

  it('anything that is not exactly the compact form is refused unread', () => {
    const { verifier } = verifierLab()
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
    const { verifier, check } = verifierLab()
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
    const { check } = verifierLab({ issuers: ['a', 'b'], audiences: ['x', 'y'] })
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
    const { check } = verifierLab({ required: ['exp', 'tenant', 'toString'] })
    assert.ok((await check(es256.token({ exp: EXP, tenant: '', toString: 1 }))).accepted)
    assert.match(problemOf(await check(es256.token({ exp: EXP, toString: 1 }))), /no claim tenant/)
    assert.match(problemOf(await check(es256.token({ exp: EXP, tenant: null, toString: 1 }))), /no claim tenant/)
    assert.match(problemOf(await check(es256.token({ exp: EXP, tenant: 1 }))), /no claim toString/)
    assert.match(problemOf(await check(es256.token({ tenant: 1, toString: 1 }))), /no claim exp/)
  })

  it('what derive says refuses a token', async () => {
    assert.equal(problemOf(await verifierLab().check(es256.token({ exp: EXP, sub: 'nobody' }))), 'nobody may not')
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
      assert.match(problemOf(await verifierLab().check(es256.token(claims))), expected)
    })
  }

  it('times that are no numbers are refused', async () => {
    const { check } = verifierLab()
    for (const name of ['exp', 'nbf', 'iat'])
      for (const value of [String(EXP), null, true, [EXP], {}])
        assert.match(
          problemOf(await check(es256.token({ exp: EXP, [name]: value }))),
          name === 'exp' && value === null ? /no claim exp|not a number/ : /not a number/,
        )
    assert.ok((await check(es256.signed('{"alg":"ES256"}', '{"exp":1e400}'))).accepted)
  })
})
