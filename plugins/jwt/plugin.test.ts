import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import type { Host } from '../../src/contract/host.ts'
import { FAILED, NEXT, type Phases } from '../../src/contract/plugin.ts'
import { PluginHosts } from '../../src/control/plugin-host.ts'
import { LimitRoom } from '../../src/limits/limits.ts'
import { Metrics } from '../../src/telemetry/metrics.ts'
import { replyHeader, requestOf } from '../../test/lab/plugin-exchange.ts'
import { hmacToken, secondsFromNow, Signer, type Json } from '../../test/lab/tokens.ts'
import jwt from './plugin.ts'

const SECRET = 'a secret of thirty-two bytes or more'
const silent = { debug() {}, info() {}, warn() {}, error() {} }

function hostOf(test: TestContext): Host {
  const metrics = new Metrics()
  const instance = new PluginHosts(silent, metrics, new LimitRoom(silent, metrics)).for('jwt', 'plugins')
  test.after(async () => {
    instance.abort()
    await instance.close()
  })
  return instance.host
}

function compile(test: TestContext, options: Json = {}): Phases {
  return jwt.compile({ keys: { secret: SECRET }, algorithms: ['HS256'], ...options }, hostOf(test))
}

function token(claims: Json = {}): string {
  return hmacToken(SECRET, { alg: 'HS256' }, { sub: 'me', exp: secondsFromNow(60), ...claims })
}

interface Asked {
  readonly headers?: readonly (readonly [string, string])[]
  readonly search?: string
}

async function ask({ access }: Phases, { headers = [], search = '' }: Asked) {
  const x = requestOf({ headers: headers.flat(), target: `/${search}` })
  const verdict = await access!(x)
  const failure = x.failure?.kind.status ?? 0
  return { x, verdict, status: failure, challenge: () => replyHeader(x, 'www-authenticate') }
}

const bearer = (text: string): Asked => ({ headers: [['authorization', `Bearer ${text}`]] })

describe('jwt: options', () => {
  const bad: readonly [Json, RegExp][] = [
    [{ keys: { secret: 'short' } }, /5 bytes; HS256 needs at least 32/],
    [{ algorithms: ['HS512'] }, /HS512 needs at least 64/],
    [{ algorithms: ['RS256'] }, /RS256 needs a public key/],
    [{ keys: { publicKey: 'x.pem' } }, /HS256 needs keys.secret/],
    [{ keys: { url: 'https://a.test/' } }, /HS256 needs keys.secret/],
    [{ algorithms: ['none'] }, /"none" is not supported/],
    [{ algorithms: [] }, /at least one/],
    [{ keys: { url: 'ftp://a.test/' }, algorithms: ['ES256'] }, /keys.url: expected/],
    [{ keys: { url: '/keys.json' }, algorithms: ['ES256'] }, /keys.url: expected/],
    [{ keys: { url: 'https://me:secret@a.test/' }, algorithms: ['ES256'] }, /credentials/],
    [{ keys: { url: 'https://a.test/', refresh: 10 }, algorithms: ['ES256'] }, /at least 1s/],
    [{ keys: { url: 'https://a.test/', timeout: 9000 }, algorithms: ['ES256'] }, /from 1ms to 8s/],
    [{ scopes: ['a b'] }, /not one scope/],
    [{ realm: 'a"b' }, /realm/],
    [{ realm: 'a\r\nb' }, /realm/],
    [{ from: [{ header: 'a b' }] }, /not a header name/],
    [{ forward: { sub: 'x user' } }, /not a header name/],
    [{ forward: { sub: 'Host' } }, /written by the gateway/],
    [{ forward: { sub: 'Transfer-Encoding' } }, /written by the gateway/],
    [{ forward: { sub: 'x-user', name: 'X-User' } }, /two claims/],
  ]
  for (const [options, expected] of bad) {
    it(`refuses ${JSON.stringify(options)}`, (test) => {
      const refused = (error: unknown): boolean =>
        error instanceof TypeError && expected.test(error.message) && !error.message.includes('secret@')
      assert.throws(() => compile(test, options), refused)
    })
  }

  it('key files that cannot be used do not start', async (test) => {
    const directory = await mkdtemp(join(tmpdir(), 'sluice-jwt-'))
    test.after(() => rm(directory, { recursive: true }))
    const [rsa, ec] = [new Signer('RS256', 'a'), new Signer('ES256', 'b')]
    const bad: readonly [string, string, RegExp][] = [
      ['publicKey', 'no key', /cannot be used/],
      ['publicKey', ec.pem, /no key for the algorithms RS256/],
      ['publicKey', '-----BEGIN PRIVATE KEY-----\n', /private key/],
      ['jwks', 'k: a secret that is no JSON', /cannot be used: it is not JSON$/],
      ['jwks', '[]', /no JWK Set/],
      ['jwks', '{"keys":[]}', /no key/],
      ['jwks', JSON.stringify({ keys: [ec.jwk] }), /no key for the algorithms RS256/],
    ]
    const file = join(directory, 'keys')
    for (const [kind, text, expected] of bad) {
      await writeFile(file, text)
      const phases = compile(test, { keys: { [kind]: file }, algorithms: ['RS256'] })
      await assert.rejects(async () => phases.start!(new AbortController().signal), expected)
    }
    await rm(file)
    const missing = compile(test, { keys: { jwks: file }, algorithms: ['RS256'] })
    await assert.rejects(async () => missing.start!(new AbortController().signal), /ENOENT/)
    const good: readonly [string, string][] = [
      ['publicKey', rsa.pem],
      ['jwks', JSON.stringify({ keys: [ec.jwk, rsa.jwk] })],
    ]
    for (const [kind, text] of good) {
      await writeFile(file, text)
      const phases = compile(test, { keys: { [kind]: file }, algorithms: ['RS256'] })
      await phases.start!(new AbortController().signal)
      assert.equal((await ask(phases, bearer(rsa.token({ sub: 'me', exp: secondsFromNow(60) })))).verdict, NEXT)
    }
  })
})

describe('jwt: where the token is', () => {
  it('in Authorization, with the scheme in any case', async (test) => {
    const phases = compile(test)
    for (const scheme of ['Bearer ', 'bearer ', 'BEARER ', 'Bearer   ']) {
      const { verdict, x } = await ask(phases, { headers: [['authorization', scheme + token()]] })
      assert.deepEqual([verdict, x.consumer], [NEXT, 'me'])
    }
  })

  it('nowhere: a challenge without an error', async (test) => {
    const phases = compile(test, { realm: 'shop' })
    for (const value of ['', 'Basic YTpi', token(), `Token ${token()}`, `Bearer\t${token()}`, 'Bearerx a']) {
      const { verdict, status, challenge } = await ask(phases, { headers: [['authorization', value]] })
      assert.deepEqual([verdict, status, challenge()], [FAILED, 401, 'Bearer realm="shop"'], value)
    }
  })

  it('in a header, a cookie or a query, the first place that has one', async (test) => {
    const phases = compile(test, { from: [{ header: 'X-Token' }, { cookie: 'session' }, { query: 'access_token' }] })
    const places = (header: string, cookie: string, query: string): Asked => ({
      headers: [
        ['x-token', header],
        ['cookie', `a=b; session=${cookie}; c=d`],
      ],
      search: `?a=b&access_token=${query}`,
    })
    const [a, b, c] = ['a', 'b', 'c'].map((sub) => token({ sub }))
    const consumer = async (asked: Asked): Promise<string> => (await ask(phases, asked)).x.consumer
    assert.equal(await consumer(places(a!, b!, c!)), 'a')
    assert.equal(await consumer(places(`Bearer ${a}`, b!, c!)), 'a')
    assert.equal(await consumer({ headers: [['cookie', `session=${b}`]], search: `?access_token=${c}` }), 'b')
    assert.equal(await consumer({ search: `?access_token=${c}` }), 'c')
    assert.equal(await consumer({ search: `?access%5ftoken=${c}` }), 'c')
    assert.equal((await ask(phases, bearer(a!))).status, 401)
    // A wrong one does not fall through to the next place.
    assert.equal((await ask(phases, places('wrong', b!, c!))).status, 401)
  })

  it('twice: refused as an invalid request', async (test) => {
    const from = [{ header: 'authorization' }, { cookie: 'session' }, { query: 'token' }]
    const phases = compile(test, { from })
    const value = `Bearer ${token()}`
    const twice: readonly Asked[] = [
      {
        headers: [
          ['authorization', value],
          ['authorization', value],
        ],
      },
      {
        headers: [
          ['cookie', `session=${token()}`],
          ['cookie', 'session=other'],
        ],
      },
      { search: `?token=${token()}&token=${token()}` },
    ]
    for (const asked of twice) {
      const { status, challenge } = await ask(phases, asked)
      assert.equal(status, 401)
      assert.match(challenge(), /error="invalid_request"/)
    }
  })
})

describe('jwt: answers', () => {
  it('a wrong token: invalid_token with a reason that nothing can break out of', async (test) => {
    const phases = compile(test, { required: ['exp', 'a"b\\c\u{e9}'] })
    const { status, challenge } = await ask(phases, bearer(token()))
    assert.equal(status, 401)
    assert.equal(
      challenge(),
      `Bearer realm="sluice", error="invalid_token", error_description="the token has no claim a'b'c'"`,
    )
    assert.match((await ask(phases, bearer('x'.repeat(9000)))).challenge(), /too long/)
    assert.match((await ask(phases, bearer(''))).challenge(), /malformed/)
  })

  it('scopes that are missing: 403 and those that are needed', async (test) => {
    const phases = compile(test, { scopes: ['read', 'write'] })
    const good: readonly Json[] = [
      { scope: 'write read more' },
      { scp: ['read', 'write'] },
      { scp: 'read write' },
      { scope: 'read', scp: ['write'] },
    ]
    for (const claims of good) assert.equal((await ask(phases, bearer(token(claims)))).verdict, NEXT)
    const lacking: readonly Json[] = [
      {},
      { scope: 'read' },
      { scope: 'readwrite' },
      { scope: 1 },
      { scope: [['read']] },
    ]
    for (const claims of lacking) {
      for (let time = 0; time < 2; time++) {
        const { status, challenge, x } = await ask(phases, bearer(token(claims)))
        assert.deepEqual([status, x.consumer], [403, ''])
        assert.equal(challenge(), 'Bearer realm="sluice", error="insufficient_scope", scope="read write"')
      }
    }
  })

  it('optional: no token passes as nobody, a wrong one does not', async (test) => {
    const phases = compile(test, { optional: true, forward: { sub: 'x-user' } })
    const { verdict, x } = await ask(phases, { headers: [['x-user', 'forged']] })
    assert.deepEqual([verdict, x.consumer, x.claims, x.hasHeader('x-user')], [NEXT, '', null, false])
    assert.equal((await ask(phases, bearer('wrong'))).status, 401)
    assert.equal((await ask(phases, bearer(token()))).x.consumer, 'me')
  })
})

describe('jwt: the consumer and forwarded claims', () => {
  it('the consumer comes from the claim of choice, or the token is refused', async (test) => {
    const phases = compile(test, { consumerClaim: 'azp.id' })
    assert.equal((await ask(phases, bearer(token({ azp: { id: 7 } })))).x.consumer, '7')
    assert.equal((await ask(phases, bearer(token({ 'azp.id': 'own', azp: { id: 7 } })))).x.consumer, 'own')
    for (const azp of [
      undefined,
      {},
      { id: '' },
      { id: null },
      { id: ['a'] },
      { id: 'a\r\nb' },
      { id: 'x'.repeat(257) },
      'id',
    ])
      assert.equal((await ask(phases, bearer(token({ azp })))).status, 401)
  })

  it('claims of every kind become text', async (test) => {
    const forward = {
      name: 'X-Name',
      'realm.roles': 'x-roles',
      'https://a.test/n': 'x-n',
      admin: 'x-admin',
      none: 'x-none',
    }
    const phases = compile(test, { forward })
    const claims = {
      name: 'J\u{fc}rgen \u{1f642}',
      realm: { roles: ['a,b', '\u{e9}'] },
      'https://a.test/n': 1.5,
      admin: true,
    }
    const forged = ['X-Name', 'x-roles', 'x-n', 'x-admin', 'x-none'].flatMap((name) => [
      [name.toLowerCase(), 'forged'] as const,
      [name.toLowerCase(), 'again'] as const,
    ])
    const text = token(claims)
    for (let time = 0; time < 2; time++) {
      const { x, verdict } = await ask(phases, { headers: [...forged, ['authorization', `Bearer ${text}`]] })
      assert.equal(verdict, NEXT)
      assert.equal(Buffer.from(x.header('x-name'), 'latin1').toString('utf8'), claims.name)
      assert.deepEqual(JSON.parse(x.header('x-roles')), claims.realm.roles)
      assert.match(x.header('x-roles'), /^[\x20-\x7e]+$/)
      assert.deepEqual([x.header('x-n'), x.header('x-admin')], ['1.5', 'true'])
      assert.deepEqual([x.hasHeader('x-none'), x.headerCount('x-name')], [false, 1])
      assert.deepEqual(x.claims?.['realm'], claims.realm)
    }
  })

  it('a claim that would break a header refuses the token', async (test) => {
    const phases = compile(test, { forward: { name: 'x-name' } })
    for (const name of ['a\r\nx-admin: 1', 'a\0', ' a', 'a\n', 'x'.repeat(4097)])
      assert.match((await ask(phases, bearer(token({ name })))).challenge(), /claim name cannot be forwarded/)
  })

  it('inherited members are no claims', async (test) => {
    const phases = compile(test, { forward: { 'constructor.name': 'x-a', '__proto__.x': 'x-b' } })
    const { x } = await ask(phases, bearer(token()))
    assert.deepEqual([x.hasHeader('x-a'), x.hasHeader('x-b')], [false, false])
  })

  it('the header that had the token may be one of them', async (test) => {
    const phases = compile(test, { forward: { sub: 'authorization' } })
    assert.equal((await ask(phases, bearer(token()))).x.header('authorization'), 'me')
  })
})
