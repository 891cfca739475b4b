// What /metrics tells is what has happened: every request once, on both engines, across reloads.
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { GatewayProcess } from '../lab/gateway.ts'
import { promisedMetrics } from '../lab/metric-table.ts'
import { until } from '../lab/poll.ts'
import { checkMetrics } from '../lab/prometheus.ts'
import { RawClient } from '../lab/raw-client.ts'
import { scrape, series, total } from '../lab/scrape.ts'
import { startHttpUpstream } from '../lab/upstreams.ts'

const OPEN = 'application/openmetrics-text;version=1.0.0'

function configuration(engine: string, url: string, routes = '', rest = ''): string {
  return `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0', engine: ${engine} }]
admin: { bind: '127.0.0.1:0' }
${rest}
upstreams: { app: { endpoints: [{ url: '${url}' }], retries: { attempts: 1, on: [503], methods: [GET] } } }
routes:
  - { name: own, match: { path: /own }, respond: { body: hello } }
  - { name: app, match: { path: '/app/{rest*}' }, upstream: app }
${routes}`
}

/** Answers with the status that the path ends with, /hang never. */
async function startApp(test: TestContext) {
  let requests = 0
  const upstream = await startHttpUpstream(test, (request, response) => {
    requests++
    request.resume()
    const status = Number(request.url!.split('/').at(-1))
    if (status > 0) request.on('end', () => response.writeHead(status).end('four'))
  })
  return { url: upstream.url, count: () => requests }
}

for (const engine of ['uws', 'node']) {
  describe(`metrics on ${engine}`, () => {
    it('count every request by route, method and status, and what the gateway failed by code', async (test) => {
      const app = await startApp(test)
      const gateway = await GatewayProcess.start(test, configuration(engine, app.url))
      const client = await RawClient.connect(test, gateway.port('main'))
      for (let i = 0; i < 3; i++) await client.get('/own')
      for (const status of [200, 200, 404, 201]) await client.get(`/app/${status}`)
      await client.get('/nowhere')
      client.send('POST /app/200 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12345')
      assert.equal((await client.response('POST')).status, 200)
      const gone = await RawClient.connect(test, gateway.port('main'))
      gone.send('GET /app/hang HTTP/1.1\r\nHost: a\r\n\r\n')
      await until(() => app.count() === 6, 'the request that hangs')
      gone.socket.destroy()
      const admin = gateway.port('admin')
      await until(async () => series(await scrape(admin)).get('sluice_http_requests_in_flight') === 0, 'its end')
      const text = await scrape(admin)
      const seen = [...series(text)].filter(([name]) => name.startsWith('sluice_http_requests_total'))
      assert.deepEqual(Object.fromEntries(seen), {
        'sluice_http_requests_total{route="own",method="GET",code="200"}': 3,
        'sluice_http_requests_total{route="app",method="GET",code="200"}': 2,
        'sluice_http_requests_total{route="app",method="GET",code="404"}': 1,
        'sluice_http_requests_total{route="app",method="GET",code="201"}': 1,
        'sluice_http_requests_total{route="app",method="POST",code="200"}': 1,
        'sluice_http_requests_total{route="app",method="GET",code="499"}': 1,
        'sluice_http_requests_total{route="unmatched",method="GET",code="404"}': 1,
      })
      const values = series(text)
      assert.equal(values.get('sluice_http_request_bytes_total{route="app"}'), 5)
      assert.equal(values.get('sluice_http_response_bytes_total{route="app"}'), 20)
      assert.equal(values.get('sluice_http_request_duration_seconds_count{route="app"}'), 6)
      assert.equal(values.get('sluice_http_failures_total{code="SLUICE_ROUTER_NOT_FOUND"}'), 1)
      assert.equal(values.get('sluice_http_failures_total{code="SLUICE_CLIENT_GONE"}'), 1)
      assert.equal(total(text, 'sluice_upstream_requests_total{'), 6)
      assert.equal(total(text, 'sluice_upstream_request_duration_seconds_count{'), 5)
      assert.equal(values.get('sluice_listener_connections{listener="main"}'), 1)
      assert.equal(await checkMetrics(text), '')
    })

    it('go on across reloads that keep the route, and end with the route', async (test) => {
      const app = await startApp(test)
      const extra = `  - { name: extra, match: { path: /extra }, respond: {} }\n`
      const gateway = await GatewayProcess.start(test, configuration(engine, app.url, extra))
      const client = await RawClient.connect(test, gateway.port('main'))
      const admin = gateway.port('admin')
      await client.get('/own')
      await client.get('/extra')
      await gateway.configure(configuration(engine, app.url))
      await gateway.waitForLog(({ msg, version }) => msg === 'configuration reloaded' && version === 2)
      await client.get('/own')
      await gateway.configure('version: 2')
      await gateway.waitForLog(({ msg = '' }) => msg.startsWith('configuration rejected'))
      const values = series(await scrape(admin))
      assert.equal(values.get('sluice_http_requests_total{route="own",method="GET",code="200"}'), 2)
      assert.equal(values.get('sluice_http_requests_total{route="extra",method="GET",code="200"}'), undefined)
      assert.equal(values.get('sluice_config_version'), 2)
      assert.equal(values.get('sluice_config_reloads_total{result="applied"}'), 1)
      assert.equal(values.get('sluice_config_reloads_total{result="rejected"}'), 1)
      assert.equal(values.get('sluice_config_last_reload_successful'), 0)
    })
  })
}

describe('metrics', () => {
  it('count retries, and an upstream that makes up statuses fills nothing', async (test) => {
    const app = await startApp(test)
    const gateway = await GatewayProcess.start(
      test,
      configuration('uws', app.url, '', 'observability: { metrics: { series: 100 } }'),
    )
    const client = await RawClient.connect(test, gateway.port('main'))
    await client.get('/app/503')
    for (let status = 200; status < 300; status++) {
      // 204 and 205 have no body, which the upstream of this test does not know.
      if (status !== 204 && status !== 205) await client.get(`/app/${status}`)
    }
    const text = await scrape(gateway.port('admin'))
    const values = series(text)
    assert.equal(values.get('sluice_upstream_extra_requests_total{upstream="app",reason="retry"}'), 1)
    assert.equal(total(text, 'sluice_http_requests_total'), 99)
    const codes = [...values.keys()].filter((name) => name.startsWith('sluice_http_requests_total'))
    assert.equal(codes.length, 65)
    assert.equal(values.get('sluice_http_requests_total{route="app",method="GET",code="other"}'), 35)
  })

  it('are those of docs/metrics.md, with their kinds and labels', async (test) => {
    const app = await startApp(test)
    const plugins = `plugins:
  rate-limit: { rate: 1/h, burst: 1 }
  concurrency-limit: { max: 5 }
`
    const gateway = await GatewayProcess.start(test, configuration('uws', app.url, '', plugins))
    const client = await RawClient.connect(test, gateway.port('main'))
    const hasCollected = async (): Promise<boolean> =>
      (await scrape(gateway.port('admin'))).includes('sluice_gc_pause_seconds')
    await until(hasCollected, 'a garbage collection')
    for (let i = 0; i < 300; i++) await client.get('/app/200')
    const texts = [await scrape(gateway.port('admin')), await scrape(gateway.port('admin'))]
    const kinds = new Map(Array.from(texts[1]!.matchAll(/^# TYPE (\w+) (\w+)$/gm), ([, name, kind]) => [name!, kind!]))
    const promised = new Map((await promisedMetrics()).map((metric) => [metric.name, metric]))
    for (const [name, kind] of kinds) assert.equal(promised.get(name)?.type, kind, name)
    for (const name of series(texts[1]!).keys()) {
      const [, family = '', labels = ''] = /^(\w+?)(?:_bucket|_sum|_count)?(?:\{(.*)\})?$/.exec(name)!
      const { labels: known = [] } = promised.get(kinds.has(family) ? family : /^\w+/.exec(name)![0]) ?? {}
      for (const [, label] of labels.matchAll(/(\w+)="/g))
        assert.ok([...known, 'le', 'quantile'].includes(label!), `${name}: ${label}`)
    }
    const absent = [...promised.keys()].filter((name) => !kinds.has(name))
    assert.deepEqual(absent, ELSEWHERE)
  })

  it('are told in both formats, to a storm of scrapes as to one, and no request suffers', async (test) => {
    const app = await startApp(test)
    const routes = Array.from(
      { length: 1000 },
      (_, i) => `  - { name: route-${i}, match: { path: /r/${i} }, respond: { body: '${i}' } }\n`,
    )
    const gateway = await GatewayProcess.start(test, configuration('uws', app.url, routes.join('')))
    const client = await RawClient.connect(test, gateway.port('main'))
    for (let i = 0; i < 1000; i++) assert.equal((await client.get(`/r/${i}`)).body.toString(), String(i))
    const admin = gateway.port('admin')
    const before = await gateway.memory()
    const storm = new AbortController()
    const scrapers = Array.from({ length: 16 }, async (_, i) => {
      let scrapes = 0
      while (!storm.signal.aborted || scrapes === 0) {
        const text = await scrape(admin, i % 2 === 0 ? OPEN : '*/*')
        assert.equal(text.endsWith('# EOF\n'), i % 2 === 0)
        assert.ok(text.includes('route="route-999"'))
        scrapes++
      }
      return scrapes
    })
    for (let i = 0; i < 300; i++) {
      const { status, body } = await client.get(`/r/${i}`)
      assert.deepEqual([status, body.toString()], [200, String(i)])
    }
    storm.abort()
    assert.ok((await Promise.all(scrapers)).every((scrapes) => scrapes > 0))
    assert.equal(await checkMetrics(await scrape(admin)), '')
    const grown = (await gateway.memory()) - before
    assert.ok(grown < 200 * 1024 * 1024, `${grown} bytes`)
  })
})

/** Promised metrics that only other configurations have. */
const ELSEWHERE = [
  'sluice_plugin_forward_auth_failures_total',
  'sluice_ratelimit_redis_up',
  'sluice_ratelimit_redis_round_trips_total',
  'sluice_ratelimit_redis_failures_total',
  'sluice_workers',
  'sluice_worker_restarts_total',
  'sluice_worker_unresponsive',
  'sluice_metrics_folded_series',
  'sluice_worker_scrape_failures_total',
]
