// Tokens on the road, over real sockets and with real hosts of keys. Both engines.
import assert from 'node:assert/strict'
import { rename, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { ENGINES, GatewayProcess, type Engine } from '../lab/gateway.ts'
import { RawClient, type RawResponse } from '../lab/raw-client.ts'
import { base64url, hmacToken, secondsFromNow, Signer, type Json } from '../lab/tokens.ts'
import { refusingPort, report, startHttpUpstream, Upstream } from '../lab/upstreams.ts'

const SECRET = 'a secret of thirty-two bytes or more'
const signers = ['one', 'two', 'three'].map((id) => new Signer('ES256', id))
const [one, two, three] = signers as [Signer, Signer, Signer]

async function laboratory(test: TestContext, engine: Engine, options: string, more: Json = {}) {
  const upstream = await startHttpUpstream(test, report)
  const configuration = (jwt: string): string => `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0', engine: ${engine} }]
upstreams: { up: { endpoints: [{ url: '${upstream.url}' }] } }
plugins: { jwt: ${jwt} }
paths: { /open: { jwt: off } }
routes: [{ name: all, upstream: up }]
`
  const gateway = await GatewayProcess.start(test, configuration(options), more)
  const client = await RawClient.connect(test, gateway.port('main'))
  const ask = (token: string, extra = ''): Promise<RawResponse> =>
    client.get('/', `Authorization: Bearer ${token}\r\n${extra}`)
  return { upstream, gateway, client, ask, configuration }
}

function claims(more: Json = {}): Json {
  return { sub: 'me', exp: secondsFromNow(600), ...more }
}

function secretToken(more: Json = {}, header: Json = {}): string {
  return hmacToken(SECRET, { alg: 'HS256', ...header }, claims(more))
}

function forwarded(body: Buffer, name: string): string[] {
  const { headers } = JSON.parse(body.toString()) as { headers: string[] }
  return headers.filter((_, i) => i % 2 === 1 && headers[i - 1] === name)
}

const jwks = (...published: readonly Signer[]): string => JSON.stringify({ keys: published.map(({ jwk }) => jwk) })

/** A host of keys that answers as a test wants it to. */
async function keyHost(test: TestContext, first: RequestListener) {
  const state = { answer: first }
  const host = await startHttpUpstream(test, (request, response) => state.answer(request, response))
  return { host, state }
}

const publish =
  (...published: readonly Signer[]): RequestListener =>
  (_, response) =>
    void response.end(jwks(...published))

for (const engine of ENGINES) {
  describe(`jwt on ${engine}`, () => {
    it('good tokens pass with their claims, wrong ones get a challenge and never reach the upstream', async (test) => {
      const { ask, client, upstream } = await laboratory(
        test,
        engine,
        `{ keys: { secret: '${SECRET}' }, algorithms: [HS256], issuer: me, audience: [a, b], scopes: [read],
        forward: { sub: X-User, roles: x-roles } }`,
      )
      const fine = { iss: 'me', aud: 'b', scope: 'read' }
      const forged = 'X-User: root\r\nx-roles: ["admin"]\r\nX-Roles: ["root"]\r\n'
      for (let time = 0; time < 3; time++) {
        const { status, body } = await ask(secretToken(fine), forged)
        assert.deepEqual([status, forwarded(body, 'x-user'), forwarded(body, 'x-roles')], [200, ['me'], []])
      }
      const reached = upstream.seen.length
      const wrong: readonly [string, number, RegExp][] = [
        [secretToken({ ...fine, iss: 'you' }), 401, /issuer/],
        [secretToken({ ...fine, aud: 'c' }), 401, /audience/],
        [secretToken({ ...fine, exp: secondsFromNow(-60) }), 401, /expired/],
        [secretToken({ ...fine, nbf: secondsFromNow(60) }), 401, /not valid yet/],
        [secretToken({ ...fine, iat: secondsFromNow(60) }), 401, /future/],
        [secretToken({ ...fine, exp: undefined }), 401, /no claim exp/],
        [secretToken({ ...fine, scope: 'write' }), 403, /insufficient_scope", scope="read"/],
        [secretToken(fine, { crit: ['exp'] }), 401, /critical/],
        [secretToken(fine, { alg: 'none' }), 401, /algorithm/],
        [secretToken(fine, { alg: 'RS256' }), 401, /algorithm/],
        [secretToken(fine).slice(0, -1), 401, /malformed|signature/],
        [`${base64url('{"alg":"none"}')}.${base64url(JSON.stringify(claims(fine)))}.`, 401, /malformed/],
        [hmacToken('another secret of the same length....', { alg: 'HS256' }, claims(fine)), 401, /signature/],
        ['x'.repeat(8193), 401, /too long/],
        ['a.b.c', 401, /malformed/],
        ['%00%00', 401, /malformed/],
        ['\xff\xfe.\xff.\xff', 401, /malformed/],
      ]
      for (const [token, status, expected] of wrong) {
        const response = await ask(token, forged)
        assert.equal(response.status, status, token.slice(0, 40))
        assert.match(response.header('www-authenticate'), /^Bearer realm="sluice", error="/)
        assert.match(response.header('www-authenticate'), expected)
        assert.ok(!response.body.includes(SECRET))
      }
      const none = await client.get('/', forged)
      assert.deepEqual([none.status, none.header('www-authenticate')], [401, 'Bearer realm="sluice"'])
      assert.equal(upstream.seen.length, reached)
      assert.equal((await client.get('/open')).status, 200)
    })

    it('a repeated Authorization header is refused, whichever of the two is good', async (test) => {
      const { ask } = await laboratory(test, engine, `{ keys: { secret: '${SECRET}' }, algorithms: [HS256] }`)
      const good = secretToken()
      for (const [first, second] of [
        [good, good],
        [good, 'x'],
        ['x', good],
      ] as const) {
        const response = await ask(first, `authorization: Bearer ${second}\r\n`)
        assert.equal(response.status, 401)
        assert.match(response.header('www-authenticate'), /invalid_request/)
      }
    })

    it('cookies, queries and headers; no token where it is optional', async (test) => {
      const { client } = await laboratory(
        test,
        engine,
        `{ keys: { secret: '${SECRET}' }, algorithms: [HS256], optional: true, forward: { sub: x-user },
        from: [{ header: x-token }, { cookie: session }, { query: token }] }`,
      )
      const users = async (target: string, extra = ''): Promise<unknown[]> => {
        const { status, body } = await client.get(target, extra)
        return [status, ...(status === 200 ? forwarded(body, 'x-user') : [])]
      }
      const [a, b, c] = ['a', 'b', 'c'].map((name) => secretToken({ sub: name }))
      assert.deepEqual(await users('/', `X-Token: ${a}\r\n`), [200, 'a'])
      assert.deepEqual(await users('/', `Cookie: x=y; session=${b}\r\n`), [200, 'b'])
      assert.deepEqual(await users(`/?x=y&token=${c}`), [200, 'c'])
      assert.deepEqual(await users(`/?token=${c}&token=${c}`), [401])
      assert.deepEqual(await users('/', 'X-User: root\r\n'), [200])
      assert.deepEqual(await users('/', `X-User: root\r\nCookie: session=x${b}\r\n`), [401])
    })

    it('a file of keys is read again when it changes; a broken one leaves the last good keys', async (test) => {
      const { ask, gateway, configuration } = await laboratory(
        test,
        engine,
        `{ keys: { secret: '${SECRET}' }, algorithms: [HS256] }`,
      )
      const file = join(gateway.directory, 'keys.json')
      const replace = async (text: string): Promise<void> => {
        await writeFile(`${file}.new`, text)
        await rename(`${file}.new`, file)
      }
      await replace(jwks(one))
      await gateway.configure(configuration(`{ keys: { jwks: '${file}' }, algorithms: [ES256] }`))
      await gateway.waitForLog(({ version }) => version === 2)
      assert.deepEqual([(await ask(one.token(claims()))).status, (await ask(two.token(claims()))).status], [200, 401])
      await replace('{ "keys": [')
      await gateway.waitForLog(({ msg }) => /key file cannot be used/.test(msg ?? ''))
      assert.equal((await ask(one.token(claims()))).status, 200)
      await replace(jwks(two))
      await gateway.waitForLog(({ msg }) => msg === 'the key file has changed')
      assert.deepEqual([(await ask(one.token(claims()))).status, (await ask(two.token(claims()))).status], [401, 200])
    })

    it('keys of a host rotate while requests come: nobody with a good token is refused', async (test) => {
      const { host, state } = await keyHost(test, publish(one))
      const { ask, gateway } = await laboratory(
        test,
        engine,
        `{ keys: { url: '${host.url}/keys', refresh: 1s }, algorithms: [ES256] }`,
      )
      assert.equal((await ask(one.token(claims()))).status, 200)
      const others = await Promise.all(Array.from({ length: 8 }, () => RawClient.connect(test, gateway.port('main'))))
      const load = { on: true }
      const loads = others.map(async (client) => {
        const statuses = new Set<number>()
        while (load.on) statuses.add((await client.get('/', `Authorization: Bearer ${one.token(claims())}\r\n`)).status)
        return [...statuses]
      })
      // A new key is used at once: its first token brings it.
      state.answer = publish(one, two)
      assert.equal((await ask(two.token(claims()))).status, 200)
      // The next comes by itself.
      const before = gateway.logs.length
      state.answer = publish(one, two, three)
      await gateway.waitForLog((line) => gateway.logs.indexOf(line) >= before && line['keys'] === 3)
      assert.equal((await ask(three.token(claims()))).status, 200)
      load.on = false
      for (const statuses of await Promise.all(loads)) assert.deepEqual(statuses, [200])
      // One that is gone serves no more, also for tokens that were good a moment ago.
      const old = one.token(claims())
      assert.equal((await ask(old)).status, 200)
      const rotated = gateway.logs.length
      state.answer = publish(three)
      await gateway.waitForLog((line) => gateway.logs.indexOf(line) >= rotated && line['keys'] === 1)
      assert.deepEqual([(await ask(old)).status, (await ask(three.token(claims()))).status], [401, 200])
    })

    it('a host of keys that is away at the start, comes, and goes again', async (test) => {
      const port = await refusingPort()
      const { ask, gateway } = await laboratory(
        test,
        engine,
        `{ keys: { url: 'http://127.0.0.1:${port}/keys?secret=hidden', refresh: 1s }, algorithms: [ES256] }`,
      )
      const early = await ask(one.token(claims()))
      assert.deepEqual([early.status, early.header('www-authenticate')], [503, ''])
      assert.match(early.body.toString(), /SLUICE_AUTH_UNAVAILABLE/)
      const host = await Upstream.start(test, createServer(publish(one)), port)
      await gateway.waitForLog(({ msg }) => msg === 'keys have come')
      assert.equal((await ask(one.token(claims()))).status, 200)
      const before = gateway.logs.length
      host.close()
      await gateway.waitForLog(
        (line) => gateway.logs.indexOf(line) >= before && /cannot be fetched/.test(line.msg ?? ''),
      )
      assert.equal((await ask(one.token(claims()))).status, 200)
      assert.ok(!JSON.stringify(gateway.logs).includes('hidden'))
    })

    it('a flood of unknown keys asks the host once', async (test) => {
      const { host } = await keyHost(test, publish(one))
      const { ask, gateway } = await laboratory(test, engine, `{ keys: { url: '${host.url}' }, algorithms: [ES256] }`)
      const clients = await Promise.all(Array.from({ length: 8 }, () => RawClient.connect(test, gateway.port('main'))))
      const flood = clients.map(async (client, i) => {
        for (let k = 0; k < 50; k++) {
          const token = two.token(claims(), { kid: `made-up-${i}-${k}`, jku: host.url, jwk: two.jwk })
          assert.equal((await client.get('/', `Authorization: Bearer ${token}\r\n`)).status, 401)
        }
      })
      await Promise.all(flood)
      assert.equal((await ask(one.token(claims()))).status, 200)
      // The start, the one fetch that the flood is granted, and another if it lasted longer than ten seconds.
      assert.ok(host.seen.length >= 2 && host.seen.length <= 3, `${host.seen.length} fetches`)
    })

    it('options that make no sense name their place, and no secret', async (test) => {
      const { gateway, configuration, ask } = await laboratory(
        test,
        engine,
        `{ keys: { secret: '${SECRET}' }, algorithms: [HS256] }`,
      )
      const missing = join(gateway.directory, 'missing.pem')
      const bad: readonly [string, RegExp][] = [
        ["{ keys: { secret: 'my short secret' }, algorithms: [HS256] }", /at least 32/],
        [`{ keys: { publicKey: '${missing}' }, algorithms: [RS256] }`, /missing\.pem cannot be used: ENOENT/],
        ['{ keys: { publicKey: a, secret: b }, algorithms: [RS256] }', /unknown key/],
        [`{ keys: { secret: '${SECRET}' }, algorithms: [none] }`, /"none"/],
      ]
      for (const [options, expected] of bad) {
        await gateway.configure(configuration(options))
        await gateway.waitForLog((line) => expected.test(JSON.stringify(line).replaceAll('\\"', '"')))
        assert.equal((await ask(secretToken())).status, 200)
      }
      assert.ok(!JSON.stringify(gateway.logs).includes('my short secret'))
      assert.ok(!JSON.stringify(gateway.logs).includes(SECRET))
    })
  })
}
