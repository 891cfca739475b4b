// Plugins on the road: the built-in ones, a user's own, and what happens when one misbehaves. Both engines and both transports.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { GatewayProcess, ROADS, type Road } from '../lab/gateway.ts'
import { RawClient } from '../lab/raw-client.ts'
import { report, startHttpUpstream } from '../lab/upstreams.ts'

async function laboratory(test: TestContext, road: Road, configuration: string, files: Record<string, string> = {}) {
  const upstream = await startHttpUpstream(test, report)
  const gateway = await GatewayProcess.start(
    test,
    `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0', engine: ${road.engine} }]
upstreams: { up: { transport: ${road.transport}, endpoints: [{ url: '${upstream.url}' }] } }
${configuration}
`,
    { files },
  )
  return { upstream, gateway, client: await RawClient.connect(test, gateway.port('main')) }
}

function forwarded(body: Buffer, name: string): string[] {
  const { headers } = JSON.parse(body.toString()) as { headers: string[] }
  return headers.filter((_, i) => i % 2 === 1 && headers[i - 1] === name)
}

for (const road of ROADS) {
  describe(`plugins on ${road.name}`, () => {
    it('request-id: made, or kept when asked to and well-formed', async (test) => {
      const { client } = await laboratory(
        test,
        road,
        `plugins: { request-id: { header: x-trace, accept: true } }
routes: [{ name: all, upstream: up }, { name: own, match: { path: /own }, plugins: { request-id: {} }, upstream: up }]`,
      )
      const kept = await client.get('/', 'X-Trace: abc-123\r\n')
      assert.deepEqual([kept.header('x-trace'), forwarded(kept.body, 'x-trace')], ['abc-123', ['abc-123']])
      for (const bad of ['a b', 'a"b', 'x'.repeat(129)]) {
        assert.match((await client.get('/', `X-Trace: ${bad}\r\n`)).header('x-trace'), /^[0-9a-f]{20}$/)
      }
      const own = await client.get('/own', 'X-Request-Id: forged\r\n')
      assert.match(own.header('x-request-id'), /^[0-9a-f]{20}$/)
      assert.deepEqual(forwarded(own.body, 'x-request-id'), [own.header('x-request-id')])
    })

    it('headers: remove, then set, then add, both ways, on every kind of reply', async (test) => {
      const { client } = await laboratory(
        test,
        road,
        `plugins:
  headers:
    request: { remove: [cookie], set: { x-a: '1' }, add: { x-b: '2' } }
    response: { remove: [content-type], set: { server: sluice }, add: { x-c: '3' } }
routes: [{ name: up, match: { path: /up }, upstream: up }, { name: here, match: { path: /here }, respond: { headers: { content-type: a/b } } }]`,
      )
      const proxied = await client.get('/up', 'Cookie: a\r\nX-A: 0\r\nX-A: 0\r\nX-B: 1\r\n')
      assert.deepEqual(forwarded(proxied.body, 'cookie'), [])
      assert.deepEqual(forwarded(proxied.body, 'x-a'), ['1'])
      assert.deepEqual(forwarded(proxied.body, 'x-b'), ['1', '2'])
      for (const reply of [proxied, await client.get('/here'), await client.get('/nowhere')]) {
        assert.deepEqual(
          [reply.header('content-type'), reply.header('server'), reply.header('x-c')],
          ['', 'sluice', '3'],
        )
      }
    })

    it('access-log: one line per request, also for those that no route takes', async (test) => {
      const { gateway, client } = await laboratory(
        test,
        road,
        `plugins: { access-log: { destination: '\${LOG}', headers: [user-agent] }, request-id: {} }
paths: { /quiet: { access-log: off } }
routes: [{ name: up, match: { path: /up }, upstream: up }, { name: quiet, match: { path: /quiet }, respond: {} }]`.replace(
          '${LOG}',
          join(process.env['TMPDIR'] ?? '/tmp', `sluice-access-${process.pid}-${road.engine}-${road.transport}.log`),
        ),
      )
      const id = (await client.get('/up?secret=1', 'User-Agent: test\r\n')).header('x-request-id')
      await client.get('/quiet')
      await client.get('/nowhere')
      await gateway.stop()
      const file = join(
        process.env['TMPDIR'] ?? '/tmp',
        `sluice-access-${process.pid}-${road.engine}-${road.transport}.log`,
      )
      const lines = (await readFile(file, 'utf8'))
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>)
      test.after(async () => (await import('node:fs/promises')).rm(file, { force: true }))
      assert.deepEqual(
        lines.map(({ path, status, route, upstream, error }) => ({ path, status, route, upstream, error })),
        [
          { path: '/up', status: 200, route: 'up', upstream: 'up', error: undefined },
          { path: '/nowhere', status: 404, route: undefined, upstream: undefined, error: 'SLUICE_ROUTER_NOT_FOUND' },
        ],
      )
      assert.deepEqual([lines[0]!['requestId'], lines[0]!['headers']], [id, { 'user-agent': 'test' }])
      assert.ok((lines[0]!['durationMs'] as number) > 0 && (lines[0]!['bytesOut'] as number) > 0)
    })

    it("a user's own, in TypeScript, from anywhere on disk; toggled where a path covers only part of a route", async (test) => {
      const { client } = await laboratory(
        test,
        road,
        `pluginDirectories: [./mine]
plugins: { tenant: { header: x-tenant } }
paths: { /t/admin: { tenant: off }, /t/*/deep: { tenant: { header: x-deep } } }
routes: [{ name: t, match: { path: '/t/{name}/**' }, upstream: up }]`.replace("'/t/{name}/**'", '/t/**'),
        {
          'mine/tenant.ts': `import { definePlugin, NEXT, Type } from 'sluice/plugin'
export default definePlugin({
  name: 'tenant',
  phase: 'access',
  schema: Type.Object({ header: Type.String() }, { additionalProperties: false }),
  compile({ header }) {
    return async (x) => {
      await new Promise((resolve) => setImmediate(resolve))
      x.setRequestHeader(header, x.path)
      return x.hasHeader('x-stop') ? x.respond(418, ['x-why', 'asked'], 'stopped') : NEXT
    }
  },
})
`,
        },
      )
      assert.deepEqual(forwarded((await client.get('/t/a')).body, 'x-tenant'), ['/t/a'])
      assert.deepEqual(forwarded((await client.get('/t/admin')).body, 'x-tenant'), [])
      assert.deepEqual(forwarded((await client.get('/t/b/deep')).body, 'x-deep'), ['/t/b/deep'])
      const stopped = await client.get('/t/a', 'X-Stop: 1\r\n')
      assert.deepEqual([stopped.status, stopped.header('x-why'), stopped.body.toString()], [418, 'asked', 'stopped'])
    })

    it('one that throws, rejects or injects fails its request alone, and its name is in the log', async (test) => {
      const { gateway, client } = await laboratory(
        test,
        road,
        `pluginDirectories: [./mine]
plugins: { bad: {} }
routes: [{ name: all, upstream: up }]`,
        {
          'mine/bad.ts': `import { definePlugin, NEXT, Type } from 'sluice/plugin'
export default definePlugin({
  name: 'bad',
  schema: Type.Object({}),
  compile: () => ({
    access(x) {
      if (x.path === '/throw') throw new Error('secret detail')
      if (x.path === '/reject') return Promise.reject(new Error('secret detail'))
      if (x.path === '/inject') x.setResponseHeader('x-a', 'b\\r\\nx-c: d')
      return NEXT
    },
    response(x) {
      if (x.path === '/late') throw new Error('secret detail')
      if (x.path === '/later') return Promise.reject(new Error('secret detail'))
    },
    log(x) {
      if (x.path === '/log') throw new Error('secret detail')
    },
  }),
})
`,
        },
      )
      for (const path of ['/throw', '/reject', '/inject', '/late', '/later']) {
        const response = await client.get(path)
        assert.equal(response.status, 500, path)
        assert.match(response.body.toString(), /SLUICE_PLUGIN_FAILED/)
        assert.ok(!response.body.includes('secret'), 'no detail reaches the client')
        await gateway.waitForLog((line) => line['plugin'] === 'bad' && line['code'] === 'SLUICE_PLUGIN_FAILED')
      }
      assert.equal((await client.get('/log')).status, 200)
      await gateway.waitForLog(({ msg }) => msg === 'log step failed')
      assert.equal((await client.get('/fine')).status, 200)
    })
  })
}
