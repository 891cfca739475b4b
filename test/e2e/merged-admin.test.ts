// The admin API of several workers, as those know it who ask: every resource that one process has.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { HistogramLogReader } from 'hdr-histogram-js'
import { AdminClient, type Json } from '../lab/admin.ts'
import { MergedGateway } from '../lab/merged-gateway.ts'
import { until } from '../lab/poll.ts'
import { RawClient } from '../lab/raw-client.ts'
import { startHttpUpstream } from '../lab/upstreams.ts'

const TOKEN = 'a-token-of-sixteen-characters'

function configuration(url: string): string {
  return `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0' }]
upstreams: { app: { endpoints: [{ url: '${url}' }] } }
routes:
  - { name: own, match: { path: /own }, respond: { body: hello } }
  - { name: app, match: { path: '/app/{rest*}' }, upstream: app }
`
}

async function start(test: TestContext, workers: number, token: string | null = null) {
  let hanging = 0
  const upstream = await startHttpUpstream(test, (request, response) => {
    request.resume()
    if (request.url === '/app/hang') hanging++
    else response.end('four')
  })
  const gateway = await MergedGateway.start(test, configuration(upstream.url), workers, token)
  const admin = new AdminClient(gateway, { token: token ?? '' })
  return { gateway, admin, url: upstream.url, hanging: () => hanging }
}

function of(gateway: MergedGateway, number: number): AdminClient {
  return new AdminClient(gateway, { socketPath: gateway.worker(number).socket })
}

async function hang(test: TestContext, gateway: MergedGateway, number: number): Promise<void> {
  const client = await RawClient.connect(test, gateway.worker(number).port)
  client.send('GET /app/hang HTTP/1.1\r\nHost: a\r\n\r\n')
}

describe('the figures of several workers', () => {
  it('are added up, with percentiles of all requests', async (test) => {
    const { gateway, admin } = await start(test, 2)
    await gateway.send(1, '/own', 3)
    await gateway.send(2, '/own', 5)
    await gateway.send(2, '/app/x', 2)
    const stats = await admin.json('/admin/v1/stats')
    assert.equal(stats['requests'].total, 10)
    assert.equal(stats['requests'].latency.count, 10)
    assert.equal(stats['pid'], process.pid)
    assert.equal(stats['ready'], true)
    const own = stats['routes'].find(({ name }: Json) => name === 'own')
    assert.deepEqual([own.total, own.latency.count], [8, 8])
    assert.equal(stats['upstreams'][0].total, 2)
    assert.deepEqual(
      stats['workers'].map(({ number, state, requests, restarts }: Json) => [number, state, requests, restarts]),
      [
        [1, 'ready', 3, 0],
        [2, 'ready', 7, 0],
      ],
    )
    const two = await admin.json('/admin/v1/stats?worker=2')
    assert.equal(two['requests'].total, 7)
    assert.equal(two['pid'], gateway.worker(2).pid)
    const { workers } = await admin.json('/admin/v1/workers')
    assert.ok(workers[0].resident > 1e6 && workers[0].loopLag.max >= 0 && workers[0].cpu > 0)
    assert.equal(workers[0].socket, undefined)
    const [alone] = (await of(gateway, 2).json('/admin/v1/stats'))['upstreams']
    assert.equal(alone.total, 2)
  })

  it('never fall when a worker is replaced', async (test) => {
    const { gateway, admin } = await start(test, 2)
    await gateway.send(1, '/own', 3)
    await gateway.send(2, '/app/x', 5)
    await admin.json('/admin/v1/stats')
    await admin.json('/admin/v1/upstreams')
    await gateway.kill(2)
    const during = await admin.json('/admin/v1/stats')
    assert.equal(during['requests'].total, 8)
    assert.equal(during['workers'][1].stale, true)
    await gateway.spawn(2)
    await gateway.send(2, '/app/x', 1)
    const after = await admin.json('/admin/v1/stats')
    assert.equal(after['requests'].total, 9)
    assert.equal(after['routes'].find(({ name }: Json) => name === 'app').total, 6)
    assert.equal(after['upstreams'][0].total, 6)
    assert.equal(after['workers'][1].restarts, 1)
    const { upstreams } = await admin.json('/admin/v1/upstreams')
    assert.equal(upstreams[0].endpoints[0].requests, 6)
  })
})

describe('the lists of several workers', () => {
  it('have the requests under way of all of them, the oldest first', async (test) => {
    const { gateway, admin, hanging } = await start(test, 2)
    await hang(test, gateway, 2)
    await until(() => hanging() === 1, 'the first')
    await hang(test, gateway, 1)
    await until(() => hanging() === 2, 'the second')
    const { inFlight, complete, exchanges } = await admin.json('/admin/v1/exchanges')
    assert.deepEqual([inFlight, complete], [2, true])
    assert.deepEqual(
      exchanges.map(({ worker, path }: Json) => [worker, path]),
      [
        [2, '/app/hang'],
        [1, '/app/hang'],
      ],
    )
    assert.equal((await admin.json('/admin/v1/exchanges?limit=1'))['exchanges'].length, 1)
    assert.equal((await admin.json('/admin/v1/exchanges?route=own'))['exchanges'].length, 0)
    assert.equal((await admin.json('/admin/v1/exchanges?worker=1'))['exchanges'].length, 1)
    assert.match(await admin.refusal('/admin/v1/exchanges?limit=0'), /^400 limit/)
    const { upstreams } = await admin.json('/admin/v1/upstreams')
    assert.equal(upstreams[0].inFlight, 2)
    assert.equal(upstreams[0].endpoints[0].share, 1)
    assert.equal(upstreams[0].endpoints[0].unhealthyIn, undefined)
    const { snapshots } = await admin.json('/admin/v1/snapshots')
    assert.deepEqual([snapshots.length, snapshots[0].version, snapshots[0].pins], [1, 1, 2])
    gateway.worker(2).child.kill('SIGSTOP')
    const fewer = await admin.json('/admin/v1/exchanges')
    assert.deepEqual([fewer['complete'], fewer['missing'], fewer['exchanges'].length], [false, [2], 1])
  })

  it('tell of an endpoint that some workers hold for unhealthy', async (test) => {
    const { gateway, admin } = await start(test, 1)
    const { upstreams } = await of(gateway, 1).json('/internal/upstreams')
    const [upstream] = upstreams
    const [endpoint] = upstream.endpoints
    const check = { healthy: false, checks: 4, failures: 3, lastError: 'status 503' }
    const breaker = { state: 'open', openings: 2, retryAfter: 700 }
    const sick = { ...endpoint, healthy: false, share: 0, requests: 5, latency: [10, 5], p95: 8, check, breaker }
    const body = JSON.stringify({ upstreams: [{ ...upstream, panic: true, endpoints: [sick] }] })
    const socket = join(gateway.directory, 'sick.sock')
    const server = createServer((_, response) => response.end(body))
    await new Promise<void>((resolve) => server.listen(socket, resolve))
    test.after(() => server.close())
    gateway.pretend(7, socket)
    await gateway.send(1, '/app/x', 2)
    const [merged] = (await admin.json('/admin/v1/upstreams'))['upstreams']
    assert.equal(merged.panic, true)
    const { healthy, unhealthyIn, share, requests, latency, ...rest } = merged.endpoints[0]
    assert.deepEqual([healthy, unhealthyIn, share, requests, latency.count], [false, [7], 0.5, 7, 7])
    assert.deepEqual([rest.check, rest.breaker, rest.p95], [check, breaker, 8])
  })
})

describe('the log of latencies of several workers', () => {
  it('has what all of them have measured', async (test) => {
    const { gateway, admin } = await start(test, 2)
    const log = admin.ask('/admin/v1/latencies?interval=1s&intervals=8')
    await until(async () => {
      await gateway.send(1, '/own', 1)
      await gateway.send(2, '/own', 1)
      const { requests } = await admin.json('/admin/v1/stats')
      return requests.total >= 10
    }, 'ten requests')
    const { status, text } = await log
    assert.equal(status, 200)
    const reader = new HistogramLogReader(text, 64)
    const { requests } = await admin.json('/admin/v1/stats')
    let count = 0
    const times = new Set<number>()
    for (let each = reader.nextIntervalHistogram(); each !== null; each = reader.nextIntervalHistogram()) {
      assert.equal(each.tag, 'route=own')
      assert.ok(!times.has(each.startTimeStampMsec), 'one line for each interval')
      times.add(each.startTimeStampMsec)
      count += each.totalCount
    }
    assert.ok(count >= 8 && count <= requests.total, `${count} of ${requests.total}`)
    assert.match(await admin.refusal('/admin/v1/latencies?interval=1ms'), /^400 interval/)
  })

  it('has what a worker has measured that came later', async (test) => {
    const { gateway, admin } = await start(test, 1)
    const log = admin.ask('/admin/v1/latencies?interval=1s&intervals=6')
    await gateway.spawn(2)
    let isOver = false
    void log.then(() => (isOver = true))
    await until(async () => {
      await gateway.send(2, '/own', 1)
      return isOver
    }, 'the end of the log')
    const reader = new HistogramLogReader((await log).text, 64)
    let count = 0
    for (let each = reader.nextIntervalHistogram(); each !== null; each = reader.nextIntervalHistogram())
      count += each.totalCount
    assert.ok(count > 0)
  })
})

describe('what any worker can tell', () => {
  it('is passed on as it is', async (test) => {
    const { gateway, admin } = await start(test, 2)
    for (const path of ['/admin/v1/routes', '/admin/v1/plugins', '/admin/v1/explain?url=/own']) {
      assert.deepEqual(await admin.json(path), await of(gateway, 1).json(path))
    }
    const { status, headers } = await admin.ask('/admin/v1/config')
    assert.deepEqual([status, headers['etag']], [200, '"1"'])
    const unchanged = await admin.ask('/admin/v1/config', { headers: { 'if-none-match': '"1"' } })
    assert.deepEqual([unchanged.status, unchanged.text], [304, ''])
    assert.match((await admin.ask('/admin/v1/config?format=yaml')).text, /^# version 1/)
    const head = await admin.ask('/admin/v1/config', { method: 'HEAD' })
    assert.deepEqual([head.status, head.text], [200, ''])
    assert.match(await admin.refusal('/admin/v1/config?format=xml'), /^400 format/)
    assert.match(await admin.refusal('/admin/v1/config?worker=9'), /^400 worker: saw "9", expected one of 1, 2/)
    assert.match(await admin.refusal('/admin/v1/explain'), /^400 url is missing/)
    assert.match(await admin.refusal('/admin/v1/routs'), /^404 .*routes/)
    await gateway.kill(1)
    assert.equal((await admin.json('/admin/v1/explain?url=/own'))['route'], 'own')
    assert.match(await admin.refusal('/admin/v1/config?worker=1'), /^503 Worker 1 does not answer/)
  })

  it('is not reached by those who do not know the token', async (test) => {
    const { gateway, admin } = await start(test, 1, TOKEN)
    const stranger = new AdminClient(gateway)
    for (const path of [
      '/metrics',
      '/admin/v1',
      '/admin/v1/stats',
      '/admin/v1/config',
      '/admin/v1/debug/heap',
      '/internal/stats',
    ])
      assert.match(await stranger.refusal(path), /^401/)
    assert.match(await admin.refusal('/internal/stats'), /^404/)
    assert.equal((await stranger.ask('/livez')).status, 200)
    assert.equal((await stranger.ask('/')).status, 200)
    const { resources } = await admin.json('/admin/v1')
    const paths = resources.map(({ path }: Json) => path as string)
    assert.ok(paths.includes('/admin/v1/workers'))
    const inWorker = (await of(gateway, 1).json('/admin/v1'))['resources'].map(({ path }: Json) => path as string)
    for (const path of inWorker) assert.equal(paths.includes(path), !path.startsWith('/internal/'), path)
  })

  it('may be profiled, one at a time', async (test) => {
    const { gateway, admin } = await start(test, 2, TOKEN)
    const first = admin.ask('/admin/v1/debug/cpu?seconds=1&worker=2')
    assert.match(await admin.refusal('/admin/v1/debug/cpu?seconds=1'), /^409 One is running/)
    const { status, headers, text } = await first
    assert.equal(status, 200)
    assert.match(headers['content-disposition']!, new RegExp(`sluice-${gateway.worker(2).pid}-`))
    assert.ok(Array.isArray((JSON.parse(text) as Json)['nodes']))
    assert.equal((await admin.ask('/admin/v1/debug/allocations?seconds=1')).status, 200)
  })

  it('needs a worker', async (test) => {
    const { gateway, admin } = await start(test, 0)
    assert.match(await admin.refusal('/readyz'), /^503 No worker is ready/)
    assert.match(await admin.refusal('/admin/v1/config'), /^503 No worker is ready/)
    assert.equal((await admin.json('/admin/v1/stats'))['ready'], false)
    assert.deepEqual(await admin.json('/admin/v1/upstreams'), { upstreams: [] })
    await gateway.spawn(1)
    assert.equal((await admin.ask('/readyz')).status, 200)
    gateway.ready = false
    assert.match(await admin.refusal('/readyz'), /^503 The gateway does not take requests now/)
    assert.equal((await admin.ask('/livez')).status, 200)
  })
})
