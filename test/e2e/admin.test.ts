// What the admin API tells of a gateway that serves.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { describe, it, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { validate } from '../../src/control/publish.ts'
import { builtInPlugins } from '../../src/live-state.ts'
import { AdminClient, type Json } from '../lab/admin.ts'
import { GatewayProcess } from '../lab/gateway.ts'
import { RawClient } from '../lab/raw-client.ts'
import { startHttpUpstream } from '../lab/upstreams.ts'

const CLI = new URL('../../src/cli/main.ts', import.meta.url).pathname

function configuration(port = 9): string {
  return `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0' }]
admin: { bind: '127.0.0.1:0' }
drainTimeout: 2s
pluginDirectories: [./own]
pluginOrder: { body-limit: 120 }
plugins: { request-id: {}, body-limit: { max: 1MiB } }
paths:
  /api/**: { cors: { origins: ['https://a.example'] } }
  /api/deep/**: { cors: off, own: {} }
upstreams:
  u: { endpoints: [{ url: 'http://127.0.0.1:${port}' }], timeouts: { total: 5s } }
routes:
  - { name: any, match: { path: /** }, respond: {}, plugins: { request-id: off } }
  - { name: api, match: { path: /api/**, method: [GET, POST], headers: { x-env: gray } }, upstream: u }
`
}

const OWN = `import { definePlugin, NEXT, Type } from 'sluice/plugin'
export default definePlugin({ name: 'own', summary: 'Of the user', phase: 'access', schema: Type.Object({}), compile: () => () => NEXT })
`

async function start(test: TestContext, yaml = configuration()) {
  const gateway = await GatewayProcess.start(test, yaml, { files: { 'own/own.ts': OWN } })
  return { gateway, admin: new AdminClient(gateway) }
}

describe('the admin API', () => {
  it('lists what there is, and each of it answers', async (test) => {
    const { admin } = await start(test)
    const resources = (await admin.json('/admin/v1'))['resources'] as Json[]
    for (const { method, path, summary, access } of resources) {
      assert.match(summary as string, /^[a-zA-Z]/)
      assert.equal(access === 'write', method !== 'GET')
      if (method !== 'GET' || (path as string).includes('{')) continue
      if (access === 'debug' || path === '/admin/v1/stats' || path === '/admin/v1/explain') continue
      const whole = await admin.ask(path as string)
      assert.equal(whole.status, 200, path)
      assert.deepEqual(
        [whole.headers['cache-control'], whole.headers['x-content-type-options']],
        ['no-store', 'nosniff'],
      )
      const head = await admin.ask(path as string, { method: 'HEAD' })
      assert.deepEqual([head.status, head.text], [200, ''])
      assert.equal(head.headers['content-type'], whole.headers['content-type'])
    }
  })

  it('says no in a way that helps', async (test) => {
    const { admin } = await start(test)
    assert.match(await admin.refusal('/admin/v1/rotues'), /^404 .*did you mean "\/admin\/v1\/routes"/)
    assert.match(await admin.refusal('/'.repeat(9000)), /^404 .{100,300}GET \/admin\/v1 lists/)
    for (const path of [
      '/dashboard/../server.ts',
      '/dashboard/%2e%2e/server.ts',
      '/..%2f..%2fetc/passwd',
      '/dashboard',
    ])
      assert.match(await admin.refusal(path), /^404 /)
    const post = await admin.ask('/admin/v1/config', { method: 'POST' })
    assert.deepEqual([post.status, post.headers['allow']], [405, 'GET, HEAD, PUT'])
    assert.match(await admin.refusal('/admin/v1/exchanges?slwo=1s'), /^400 .*did you mean "slow"/)
    assert.match(await admin.refusal('/admin/v1/routes?a=1'), /^400 .*there are none here/)
    assert.match(await admin.refusal('/admin/v1/config?format=xml'), /^400 format: saw "xml", expected json or yaml/)
    assert.match(await admin.refusal('/admin/v1/config?format=yaml&format=json'), /^400 format is here 2 times/)
    for (const limit of ['0', '1001', '-1', '1e2', '', '%00'])
      assert.match(await admin.refusal(`/admin/v1/exchanges?limit=${limit}`), /^400 limit: .* from 1 to 1000/)
    assert.match(await admin.refusal('/admin/v1/exchanges?slow=5'), /^400 slow: .* such as 200ms/)
    assert.match(await admin.refusal('/admin/v1/explain'), /^400 url is missing/)
    assert.match(await admin.refusal('/admin/v1/explain?url=/%252f'), /^400 .*400 to this path/)
    assert.match(await admin.refusal('/admin/v1/explain?url=/&method=G%20T'), /^400 .*400 to this method/)
    assert.match(await admin.refusal('/admin/v1/explain?url=/&header=no-colon'), /^400 a header is/)
    assert.match(await admin.refusal(`/admin/v1/explain?url=/${'&header=a:b'.repeat(101)}`), /^400 at most 100/)
  })

  it('tells the configuration that serves, in a form that can be read again', async (test) => {
    const { gateway, admin } = await start(test)
    const first = await admin.ask('/admin/v1/config')
    assert.equal(first.headers['etag'], '"1"')
    const { version, since, file, config } = JSON.parse(first.text) as Json
    assert.deepEqual([version, file, config['drainTimeout']], [1, gateway.file, '2s'])
    assert.ok(Math.abs(Date.now() - (since as number)) < 60_000)
    const unchanged = async (tag: string) => {
      const { status, text } = await admin.ask('/admin/v1/config', { headers: { 'if-none-match': tag } })
      assert.equal(text === '', status === 304)
      return status === 304
    }
    assert.deepEqual(await Promise.all(['"1"', 'W/"1"', '"0", "1"', '*', '"2"', '1'].map(unchanged)), [
      true,
      true,
      true,
      true,
      false,
      false,
    ])
    const yaml = await admin.ask('/admin/v1/config?format=yaml')
    assert.deepEqual([yaml.headers['content-type'], yaml.headers['etag']], ['application/yaml', '"1-yaml"'])
    const { valid } = await validate(yaml.text, gateway.file, await builtInPlugins())
    assert.equal(valid.config.drainTimeout, 2000)
    assert.equal(valid.config.upstreams!['u']!.timeouts!.total, 5000)
    await gateway.configure(configuration().replace('2s', '3s'))
    await gateway.waitForLog(({ msg }) => msg === 'configuration reloaded')
    assert.equal(await unchanged('"1"'), false)
    assert.equal((await admin.json('/admin/v1/config'))['config'].drainTimeout, '3s')
    // What cannot serve is not what is told.
    await gateway.configure('version: 2')
    await gateway.waitForLog(({ msg }) => msg?.startsWith('configuration rejected') === true)
    assert.equal((await admin.json('/admin/v1/config'))['version'], 2)
  })

  it('tells which snapshots requests still use', async (test) => {
    let finish!: () => void
    const upstream = await startHttpUpstream(test, (_request, response) => {
      finish = () => response.end('done')
    })
    const { gateway, admin } = await start(test, configuration(upstream.port))
    const client = await RawClient.connect(test, gateway.port('main'))
    client.send('GET /api/slow HTTP/1.1\r\nHost: h\r\nX-Env: gray\r\n\r\n')
    await upstream.until(() => upstream.seen.length === 1, 'the request')
    await gateway.configure(configuration(upstream.port).replace('2s', '3s'))
    await gateway.waitForLog(({ msg }) => msg === 'configuration reloaded')
    const reports = async () => (await admin.json('/admin/v1/snapshots'))['snapshots'] as Json[]
    const told = ({ version, pins, retired, routes }: Json) => [version, pins, retired, routes]
    assert.deepEqual((await reports()).map(told), [
      [2, 0, false, 2],
      [1, 1, true, 2],
    ])
    finish()
    assert.equal((await client.response()).status, 200)
    // It is known, as it could serve again, and used by nobody.
    assert.deepEqual((await reports()).map(told), [
      [2, 0, false, 2],
      [1, 0, true, null],
    ])
  })

  it('tells the routes in matching order, as the command line does, with their plugins', async (test) => {
    const { gateway, admin } = await start(test)
    const { routes } = await admin.json('/admin/v1/routes')
    const { stdout } = await promisify(execFile)(process.execPath, [CLI, 'routes', '--config', gateway.file])
    const printed = stdout.trim().split('\n').slice(1)
    assert.deepEqual(
      routes.map(({ name }: Json) => name as string),
      printed.map((line) => line.split(' ')[0]),
    )
    const { name, host, methods, path, conditions, action, plugins } = routes[0] as Json
    assert.deepEqual(
      [name, host, methods, path, conditions, action],
      ['api', '*', ['GET', 'POST'], '/api/**', ['header x-env'], 'upstream u (http://127.0.0.1:9)'],
    )
    assert.deepEqual(plugins, [
      { plugin: 'request-id', enabled: true, varies: [] },
      { plugin: 'body-limit', enabled: true, varies: [] },
      { plugin: 'cors', enabled: true, varies: ['/api/deep/**'] },
      { plugin: 'own', enabled: false, varies: ['/api/deep/**'] },
    ])
    assert.deepEqual(
      routes[1]['plugins'].map(({ plugin }: Json) => plugin as string),
      ['body-limit', 'cors', 'own'],
    )
  })

  it('tells the plugins, where they are on, and what they cost', async (test) => {
    const { gateway, admin } = await start(test)
    const client = await RawClient.connect(test, gateway.port('main'))
    for (let i = 0; i < 200; i++) assert.equal((await client.get('/api/deep/x')).status, 200)
    const { plugins } = await admin.json('/admin/v1/plugins')
    const by = (name: string): Json => plugins.find((each: Json) => each['name'] === name)
    const own = by('own')
    assert.deepEqual(
      [own['summary'], own['order'], own['phases'], own['instances'], own['enabledAt'], own['more']],
      ['Of the user', 500, ['access'], 1, ['paths./api/deep/**'], false],
    )
    assert.match(own['file'] as string, /\/own\/own\.ts$/)
    assert.ok(own['timedCalls'] >= 2 && own['meanTime'] >= 0 && own['meanTime'] < 100)
    assert.deepEqual([by('body-limit')['order'], by('body-limit')['file']], [120, null])
    const { instances, enabledAt, timedCalls, meanTime } = by('jwt')
    assert.deepEqual([instances, enabledAt, timedCalls, meanTime], [0, [], 0, null])
  })

  it('tells how fast each endpoint answers, without being asked to watch it', async (test) => {
    const upstream = await startHttpUpstream(test, (_, response) => response.end())
    const { gateway, admin } = await start(test, configuration(upstream.port))
    const latency = async (): Promise<Json | null> => {
      const [{ endpoints }] = (await admin.json('/admin/v1/upstreams'))['upstreams'] as [{ endpoints: Json[] }]
      return endpoints[0]!['latency'] as Json | null
    }
    assert.equal(await latency(), null)
    const client = await RawClient.connect(test, gateway.port('main'))
    for (let i = 0; i < 3; i++) await client.get('/api/x', 'x-env: gray\r\n')
    const { count, p50, max } = (await latency())!
    assert.equal(count, 3)
    assert.ok((p50 as number) > 0 && (p50 as number) <= (max as number))
  })

  it('explains as the command line does', async (test) => {
    const { gateway, admin } = await start(test)
    const argv = ['GET', 'http://h/api/deep/../x?q=1', '-H', 'x-env: gray', '-H', 'accept: a']
    const { stdout } = await promisify(execFile)(process.execPath, [
      CLI,
      'explain',
      '--config',
      gateway.file,
      '--json',
      ...argv,
    ])
    const query = new URLSearchParams([
      ['url', argv[1]!],
      ['header', 'x-env:gray'],
      ['header', 'accept: a'],
    ])
    const account = await admin.json(`/admin/v1/explain?${query.toString()}`)
    assert.deepEqual(account, JSON.parse(stdout))
    assert.deepEqual([account['route'], account['request'].path], ['api', '/api/x'])
    assert.equal((await admin.json('/admin/v1/explain?method=DELETE&url=/api/x'))['route'], 'any')
  })
})
