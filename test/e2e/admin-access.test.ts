// Who may ask the admin listener, and who may not.
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { AdminClient, type Json } from '../lab/admin.ts'
import { GatewayProcess } from '../lab/gateway.ts'
import { RawClient } from '../lab/raw-client.ts'

const TOKEN = 'a-token-of-some-length'

function configuration(admin: string): string {
  return `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0' }]
${admin}
routes: [{ name: r, respond: {} }]
`
}

async function withToken(test: TestContext, bind = '127.0.0.1:0') {
  const gateway = await GatewayProcess.start(
    test,
    configuration(`admin: { bind: '${bind}', token: "\${SLUICE_ADMIN_TOKEN}" }`),
    { env: { SLUICE_ADMIN_TOKEN: TOKEN } },
  )
  return { gateway, stranger: new AdminClient(gateway), admin: new AdminClient(gateway, { token: TOKEN }) }
}

const bearer = (authorization: string | string[]) => ({ headers: { authorization } })

describe('the admin listener with a token', () => {
  it('tells nothing to those who do not know it, but that it lives', async (test) => {
    const { admin, stranger } = await withToken(test)
    const resources = (await admin.json('/admin/v1'))['resources'] as Json[]
    assert.ok(resources.length >= 15)
    for (const { path, access } of resources) {
      const { status, headers } = await stranger.ask(path as string)
      assert.equal(status, access === 'open' ? 200 : 401, path)
      if (status === 401) assert.equal(headers['www-authenticate'], 'Bearer realm="sluice admin"')
    }
    assert.deepEqual(
      resources.filter(({ access }) => access === 'open').map(({ path }) => path as string),
      ['/livez', '/readyz'],
    )
    for (const path of ['/admin/v1/nope', '/nope', '/%00']) assert.equal((await stranger.ask(path)).status, 401)
    assert.equal((await stranger.ask('/metrics', { method: 'POST' })).status, 401)
  })

  it('takes it in one form only', async (test) => {
    const { admin, stranger } = await withToken(test)
    assert.equal((await admin.ask('/metrics')).status, 200)
    assert.equal((await stranger.ask('/metrics', bearer(`bEARER  ${TOKEN}`))).status, 200)
    const wrong = [
      '',
      TOKEN,
      `Bearer`,
      `Bearer ${TOKEN}x`,
      `Bearer ${TOKEN.slice(0, -1)}`,
      `Bearer ${TOKEN} ${TOKEN}`,
      `Basic ${TOKEN}`,
      `Bearer ${'x'.repeat(8000)}`,
    ]
    for (const each of wrong) {
      const { status, headers, text } = await stranger.ask('/metrics', bearer(each))
      assert.equal(status, 401, each)
      assert.match(headers['www-authenticate']!, /error="invalid_token"/)
      assert.ok(!text.includes(TOKEN))
    }
    assert.match(await stranger.refusal('/metrics', bearer([`Bearer ${TOKEN}`, 'Bearer x'])), /^400 .*authorization/)
    assert.equal((await stranger.ask(`/metrics?token=${TOKEN}`)).status, 401)
  })

  it('is served off loopback, under any name, but not on behalf of other sites', async (test) => {
    const { admin } = await withToken(test, '0.0.0.0:0')
    assert.equal((await admin.ask('/metrics', { headers: { host: 'gateway.example' } })).status, 200)
    const headers = { origin: 'https://evil.example' }
    assert.match(await admin.refusal('/admin/v1/config', { headers }), /^403 /)
  })

  it('changes it by a reload, on the same socket', async (test) => {
    const { gateway, admin } = await withToken(test)
    const port = gateway.port('admin')
    await gateway.configure(configuration("admin: { bind: '127.0.0.1:0', token: another-token-altogether }"))
    await gateway.waitForLog(({ msg }) => msg === 'configuration reloaded')
    assert.equal(gateway.port('admin'), port)
    assert.equal((await admin.ask('/metrics')).status, 401)
    assert.equal((await new AdminClient(gateway, { token: 'another-token-altogether' }).ask('/metrics')).status, 200)
    await gateway.configure(configuration("admin: { bind: '127.0.0.1:0' }"))
    await gateway.waitForLog((line) => line.msg === 'configuration reloaded' && line['version'] === 3)
    assert.equal((await new AdminClient(gateway).ask('/metrics')).status, 200)
  })
})

describe('the admin listener without a token', () => {
  it('serves loopback names only, so that no page can reach it by a name of its own', async (test) => {
    const gateway = await GatewayProcess.start(test, configuration("admin: { bind: '127.0.0.1:0' }"))
    const admin = new AdminClient(gateway)
    const ask = async (host: string, path = '/metrics') => (await admin.ask(path, { headers: { host } })).status
    for (const host of ['localhost', 'LOCALHOST:80', 'localhost.', '127.0.0.1:9901', '127.1.2.3', '[::1]:1'])
      assert.equal(await ask(host), 200, host)
    for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', '10.0.0.1', '[::2]', 'a b'])
      assert.equal(await ask(host), 421, host)
    assert.equal(await ask('evil.example', '/admin/v1/config'), 421)
    assert.equal(await ask('evil.example', '/livez'), 200)
    const client = await RawClient.connect(test, gateway.port('admin'))
    assert.equal((await client.get('/metrics', 'Host: localhost\r\n')).status, 400)
  })

  it('serves no page of another site', async (test) => {
    const gateway = await GatewayProcess.start(test, configuration("admin: { bind: '127.0.0.1:0' }"))
    const admin = new AdminClient(gateway)
    const ask = async (headers: Record<string, string>) => (await admin.ask('/admin/v1/routes', { headers })).status
    const host = `localhost:${gateway.port('admin')}`
    const own = `http://${host}`
    const served: Record<string, string>[] = [
      { host, origin: own },
      { 'sec-fetch-site': 'same-origin' },
      { 'sec-fetch-site': 'none' },
      { 'sec-fetch-site': 'same-origin', origin: own },
    ]
    for (const headers of served) assert.equal(await ask(headers), 200, JSON.stringify(headers))
    const refused: Record<string, string>[] = [
      { host, origin: 'http://localhost:1' },
      { origin: 'null' },
      { origin: 'https://evil.example' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'cross-site', host, origin: own },
    ]
    for (const headers of refused) assert.equal(await ask(headers), 403, JSON.stringify(headers))
  })

  it('makes no profile, and says how to set one', async (test) => {
    const gateway = await GatewayProcess.start(test, configuration("admin: { bind: '127.0.0.1:0' }"))
    const admin = new AdminClient(gateway)
    for (const name of ['cpu', 'heap', 'allocations'])
      assert.match(await admin.refusal(`/admin/v1/debug/${name}`), /^403 .*admin: \{ bind: \.\.\., token: /)
  })

  it('serves any name on a unix socket, which no browser reaches', async (test) => {
    const socketPath = `/tmp/sluice-admin-${process.pid}-${Date.now()}.sock`
    const gateway = await GatewayProcess.start(test, configuration(`admin: { bind: 'unix:${socketPath}' }`))
    const admin = new AdminClient(gateway, { socketPath })
    assert.equal((await admin.ask('/metrics', { headers: { host: 'whatever' } })).status, 200)
  })
})
