// The figures of /admin/v1/stats and /admin/v1/latencies are those of the requests that were made.
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { HistogramLogReader } from 'hdr-histogram-js'
import type { StatsReport } from '../../src/admin/stats-report.ts'
import { AdminClient } from '../lab/admin.ts'
import { GatewayProcess } from '../lab/gateway.ts'
import { RawClient } from '../lab/raw-client.ts'
import { startHttpUpstream } from '../lab/upstreams.ts'

/** ms that the upstream takes at least. */
const WAIT = 30

async function start(test: TestContext, engine: string) {
  const upstream = await startHttpUpstream(test, (request, response) => {
    request.resume()
    setTimeout(() => response.writeHead(Number(request.url!.slice(1))).end('12345'), WAIT)
  })
  const configuration = (extra: string): string => `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0', engine: ${engine} }]
admin: { bind: '127.0.0.1:0' }
upstreams: { app: { endpoints: [{ url: '${upstream.url}' }] } }
routes:
  - { name: own, match: { path: /own }, respond: { body: hello } }
${extra}  - { name: app, match: { path: '/{status}' }, upstream: app }
`
  const gateway = await GatewayProcess.start(
    test,
    configuration('  - { name: extra, match: { path: /extra }, respond: {} }\n'),
  )
  const client = await RawClient.connect(test, gateway.port('main'))
  const admin = new AdminClient(gateway)
  return {
    gateway,
    client,
    admin,
    stats: async () => (await admin.json('/admin/v1/stats')) as StatsReport,
    /** Without the route `extra`. */
    fewer: () => configuration(''),
  }
}

for (const engine of ['uws', 'node']) {
  describe(`the figures of a gateway on ${engine}`, () => {
    it('are those of its requests, and never fall when a route goes', async (test) => {
      const { gateway, client, stats, fewer } = await start(test, engine)
      for (const path of ['/own', '/extra', '/200', '/200', '/404', '/500', '/no/such']) await client.get(path)
      const first = await stats()
      const { total, clientErrors, serverErrors, bytesOut, inFlight } = first.requests
      assert.deepEqual([total, clientErrors, serverErrors, inFlight], [7, 2, 1, 0])
      assert.ok(bytesOut >= 5 + 4 * 5)
      assert.deepEqual(
        first.routes.map((route) => [route.name, route.total]),
        [
          ['own', 1],
          ['extra', 1],
          ['app', 4],
          ['', 1],
        ],
      )
      const app = first.routes[2]!
      assert.deepEqual([app.clientErrors, app.serverErrors, app.bytesOut], [1, 1, 20])
      assert.ok(app.latency!.count === 4 && app.latency!.p50 > WAIT * 0.9 && app.latency!.max >= app.latency!.p50)
      const [upstream] = first.upstreams
      assert.deepEqual([upstream!.name, upstream!.total, upstream!.failures, upstream!.inFlight], ['app', 4, 1, 0])
      assert.ok(upstream!.latency!.p99 > WAIT * 0.9)
      assert.deepEqual(first.connections, { clients: 1, upstreams: 1 })
      assert.equal(first.configuration.version, 1)
      assert.ok(first.process.resident > 1e7 && first.process.cpu > 0 && first.process.descriptors! > 10)

      await gateway.configure(fewer())
      await gateway.waitForLog(({ msg }) => msg === 'configuration reloaded')
      await gateway.configure('routes: 7')
      await gateway.waitForLog(({ msg = '' }) => msg.startsWith('configuration rejected'))
      const second = await stats()
      assert.equal(second.requests.total, 7)
      assert.deepEqual(
        second.routes.map(({ name }) => name),
        ['own', 'app', ''],
      )
      const { version, applied, rejected, lastError } = second.configuration
      assert.deepEqual([version, applied, rejected], [2, 1, 1])
      assert.ok(lastError!.problems.some((problem) => problem.includes('routes')))
    })
  })
}

describe('the log of latencies', () => {
  it('has every request of its time once, by route and by endpoint', async (test) => {
    const { gateway, client } = await start(test, 'uws')
    await client.get('/200')
    // Its head is there: it has begun.
    const log = await fetch(`http://127.0.0.1:${gateway.port('admin')}/admin/v1/latencies?interval=100ms&intervals=20`)
    for (let i = 0; i < 5; i++) await client.get('/200')
    const counts: Record<string, number> = {}
    const reader = new HistogramLogReader(await log.text(), 64)
    for (let next = reader.nextIntervalHistogram(); next !== null; next = reader.nextIntervalHistogram()) {
      const [kind = ''] = next.tag.split(';')
      counts[kind] = (counts[kind] ?? 0) + next.totalCount
      assert.ok(next.minNonZeroValue >= WAIT * 900)
    }
    assert.deepEqual(counts, { 'route=app': 5, 'upstream=app': 5 })
  })

  it('says what it wants', async (test) => {
    const { admin } = await start(test, 'uws')
    for (const query of ['interval=1ms', 'interval=1m', 'interval=x', 'intervals=0', 'interval=1s&interval=2s'])
      assert.match(await admin.refusal(`/admin/v1/latencies?${query}`), /^400 /)
  })
})
