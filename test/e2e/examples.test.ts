// Every example is checked, and does what its first line says: on real sockets, with its ports replaced by free ones.
import assert from 'node:assert/strict'
import { readFile, readdir } from 'node:fs/promises'
import { describe, it, type TestContext } from 'node:test'
import { GatewayProcess } from '../lab/gateway.ts'
import { until } from '../lab/poll.ts'
import { RawClient, type RawResponse } from '../lab/raw-client.ts'
import { hmacToken, secondsFromNow } from '../lab/tokens.ts'
import { report, startHttpUpstream } from '../lab/upstreams.ts'

const EXAMPLES = new URL('../../config/examples/', import.meta.url)

type Ask = (line: string, headers?: string) => Promise<RawResponse>

/** Starts the example with an upstream for each endpoint; `ask('GET /x host')` sends one request. */
async function play(test: TestContext, name: string): Promise<{ ask: Ask; hits: number[]; gateway: GatewayProcess }> {
  let text = await readFile(new URL(name, EXAMPLES), 'utf8')
  const hits = [0, 0, 0]
  for (const i of hits.keys()) {
    const upstream = await startHttpUpstream(test, (request, response) => {
      if (request.headers['user-agent'] !== 'sluice-health-check') hits[i]!++
      report(request, response)
    })
    text = text.replaceAll(`127.0.0.1:900${i + 1}`, `127.0.0.1:${upstream.port}`)
  }
  text = text.replaceAll(/(127\.0\.0\.1|0\.0\.0\.0):(808\d|9901)/g, '127.0.0.1:0')
  const gateway = await GatewayProcess.start(test, text)
  const listener = gateway.logs.find((log) => log.msg === 'listening')!['listener'] as string
  const ask: Ask = async (line, headers = '') => {
    const [method = '', target = '', host = 'any.test'] = line.split(' ')
    const client = await RawClient.connect(test, gateway.port(listener))
    client.send(`${method} ${target} HTTP/1.1\r\nHost: ${host}\r\n${headers}\r\n`)
    return client.response(method)
  }
  return { ask, hits, gateway }
}

const SCENES: Readonly<Record<string, (test: TestContext) => Promise<void>>> = {
  'canary-by-header.yaml': async (test) => {
    const { ask, hits } = await play(test, 'canary-by-header.yaml')
    for (let i = 0; i < 100; i++) await ask('GET /')
    assert.deepEqual(hits, [95, 5, 0])
    await ask('GET /', 'X-Canary: true\r\n')
    assert.deepEqual(hits, [95, 6, 0])
  },
  'resilient-upstream.yaml': async (test) => {
    const { ask, hits, gateway } = await play(test, 'resilient-upstream.yaml')
    for (let i = 0; i < 20; i++) assert.equal((await ask('GET /')).status, 200)
    const shop = hits.map((hit, i) => (i < 2 ? hit > 0 : hit === 0))
    assert.deepEqual(shop, [true, true, true], 'the own zone alone is asked')
    const live = await fetch(`http://127.0.0.1:${gateway.port('admin')}/admin/v1/upstreams`)
    assert.match(await live.text(), /"name":"shop".*"zone":"a"/)
  },
  'api-with-limits.yaml': async (test) => {
    const { ask } = await play(test, 'api-with-limits.yaml')
    assert.equal((await ask('GET /api/healthz')).status, 200)
    const stranger = await ask('GET /api/users')
    assert.deepEqual([stranger.status, stranger.header('www-authenticate').startsWith('Bearer')], [401, true])
    const claims = { iss: 'https://id.example.com', sub: 'ada', exp: secondsFromNow(3600) }
    const token = hmacToken('only-an-example-of-a-secret-key-00', { alg: 'HS256' }, claims)
    const known = await ask('GET /api/users', `Authorization: Bearer ${token}\r\nX-User: forged\r\n`)
    assert.equal(known.status, 200)
    const { headers } = JSON.parse(known.body.toString()) as { headers: string[] }
    assert.deepEqual(
      headers.filter((_, i) => headers[i - 1] === 'x-user'),
      ['ada'],
    )
    assert.match(known.header('ratelimit'), /^"1";r=99;/)
    const partner = async (): Promise<number> => (await ask('GET /api/partner/x', 'X-Api-Key: secret\r\n')).status
    assert.deepEqual([await partner(), await partner(), await partner()], [200, 200, 429])
    assert.equal((await ask('GET /api/partner/x', `Authorization: Bearer ${token}\r\n`)).status, 401)
  },
  'path-toggles.yaml': async (test) => {
    const { ask } = await play(test, 'path-toggles.yaml')
    const page = await ask('GET /')
    assert.deepEqual([page.header('x-frame-options'), page.header('x-request-id').length], ['DENY', 20])
    const api = await ask('GET /api/x')
    assert.deepEqual([api.header('x-frame-options'), api.header('cache-control')], ['', 'no-store'])
    assert.equal((await ask('POST /api/x', 'Content-Length: 100000\r\n')).status, 413)
    const health = await ask('GET /healthz')
    assert.deepEqual([health.status, health.header('x-request-id'), health.header('x-frame-options')], [200, '', ''])
  },
  'multi-host.yaml': async (test) => {
    const { ask, hits } = await play(test, 'multi-host.yaml')
    await ask('GET / SHOP.example.com:80')
    for (let i = 0; i < 6; i++) await ask('GET / a.b.example.com')
    assert.deepEqual(hits, [1, 4, 2])
    assert.equal((await ask('GET / example.com')).status, 421)
  },
  'redirects.yaml': async (test) => {
    const { ask } = await play(test, 'redirects.yaml')
    const moved = await ask('GET /a?b=c www.example.com')
    assert.deepEqual([moved.status, moved.header('location')], [301, 'https://example.com/a?b=c'])
    const docs = await ask('GET /documentation/x/y')
    assert.deepEqual([docs.status, docs.header('location')], [308, '/docs/x/y'])
    assert.equal((await ask('GET /beta')).status, 410)
  },
  'regex-routes.yaml': async (test) => {
    const { ask } = await play(test, 'regex-routes.yaml')
    const seen = JSON.parse((await ask('GET /api/v12/users/1')).body.toString()) as {
      target: string
      headers: string[]
    }
    assert.equal(seen.target, '/users/1')
    assert.ok(seen.headers.includes('versioned'))
    assert.equal((await ask('GET /api/users')).status, 404)
  },
  'respond.yaml': async (test) => {
    const { ask } = await play(test, 'respond.yaml')
    assert.match((await ask('GET /robots.txt')).body.toString(), /Disallow/)
    assert.match((await ask('GET /.well-known/security.txt')).body.toString(), /Contact/)
    const other = await ask('GET /x')
    assert.deepEqual([other.status, other.header('retry-after')], [503, '120'])
  },
  'cors-api.yaml': async (test) => {
    const { ask } = await play(test, 'cors-api.yaml')
    const asked = 'Access-Control-Request-Method: PUT\r\n'
    const allowed = await ask('OPTIONS /api/x', `Origin: https://a.preview.example.com\r\n${asked}`)
    assert.deepEqual(
      [allowed.status, allowed.header('access-control-allow-origin'), allowed.header('access-control-max-age')],
      [204, 'https://a.preview.example.com', '3600'],
    )
    const stranger = await ask('OPTIONS /api/x', `Origin: https://evil.example\r\n${asked}`)
    assert.deepEqual([stranger.status, stranger.header('access-control-allow-origin')], [204, ''])
    const actual = await ask('GET /api/x', 'Origin: https://app.example.com\r\n')
    assert.equal(actual.header('access-control-expose-headers'), 'x-request-id')
    assert.equal((await ask('OPTIONS /api/x')).status, 405)
  },
  'ip-allow-list.yaml': async (test) => {
    const { ask } = await play(test, 'ip-allow-list.yaml')
    const from = (ip: string): string => `X-Forwarded-For: ${ip}\r\n`
    assert.equal((await ask('GET /admin/x', from('192.0.2.5'))).status, 200)
    assert.equal((await ask('GET /admin/x', from('2001:db8::5'))).status, 200)
    assert.equal((await ask('GET /admin/x', from('192.0.2.66'))).status, 403)
    assert.equal((await ask('GET /admin', from('203.0.113.1'))).status, 403)
    assert.equal((await ask('GET /', from('203.0.113.1'))).status, 200)
  },
  'traces.yaml': async (test) => {
    const { ask, hits } = await play(test, 'traces.yaml')
    const traced = await ask('GET /', 'X-Debug: 1\r\n')
    const { headers } = JSON.parse(traced.body.toString()) as { headers: string[] }
    assert.match(headers[headers.indexOf('traceparent') + 1]!, /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/)
    await until(() => hits[2]! > 0, 'the collector to get a batch')
    assert.equal((await ask('GET /healthz', 'X-Debug: 1\r\n')).status, 200)
  },
  'two-engines.yaml': async (test) => {
    const { ask, gateway } = await play(test, 'two-engines.yaml')
    assert.equal((await ask('GET /')).status, 200)
    const old = await RawClient.connect(test, gateway.port('strict'))
    old.send('GET / HTTP/1.0\r\n\r\n')
    await old.ended()
    assert.match(old.received.toString(), /^HTTP\/1\.1 200 [^]*"app\.internal"/)
    const health = await RawClient.connect(test, gateway.port('admin'))
    assert.equal((await health.get('/readyz')).status, 200)
  },
}

describe('examples', () => {
  for (const [name, scene] of Object.entries(SCENES)) it(name, scene)

  it('are all played', async () => {
    const files = (await readdir(EXAMPLES)).filter((name) => name.endsWith('.yaml'))
    assert.deepEqual(files.toSorted(), Object.keys(SCENES).toSorted())
  })
})
