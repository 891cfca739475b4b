// One scrape of several workers: the sums of what each of them says, whatever becomes of one.
import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { AdminClient } from '../lab/admin.ts'
import { MergedGateway } from '../lab/merged-gateway.ts'
import { until } from '../lab/poll.ts'
import { checkMetrics } from '../lab/prometheus.ts'
import { series, total } from '../lab/scrape.ts'
import { startHttpUpstream } from '../lab/upstreams.ts'

const OPEN = 'application/openmetrics-text'
const OWN = 'sluice_http_requests_total{route="own",method="GET",code="200"}'

function configuration(url: string): string {
  return `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0' }]
upstreams: { app: { endpoints: [{ url: '${url}' }] } }
routes:
  - { name: own, match: { path: /own }, respond: { body: hello } }
  - { name: app, match: { path: '/app/{rest*}' }, upstream: app }
`
}

async function start(test: TestContext, workers: number) {
  const upstream = await startHttpUpstream(test, (request, response) => {
    request.resume()
    response.end('four')
  })
  const gateway = await MergedGateway.start(test, configuration(upstream.url), workers)
  const admin = new AdminClient(gateway)
  const scrape = async (accept = '*/*'): Promise<string> => (await admin.ask('/metrics', { headers: { accept } })).text
  return { gateway, scrape, url: upstream.url }
}

/** The text of one worker itself. */
async function alone(gateway: MergedGateway, number: number): Promise<ReadonlyMap<string, number>> {
  const { socket } = gateway.worker(number)
  return series((await new AdminClient(gateway, { socketPath: socket }).ask('/metrics')).text)
}

/** Somebody on a worker's socket that is none. */
async function pretend(
  test: TestContext,
  gateway: MergedGateway,
  number: number,
  answer: RequestListener,
): Promise<void> {
  const socket = join(gateway.directory, `pretender-${number}.sock`)
  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(socket, resolve))
  test.after(() => {
    server.closeAllConnections()
    server.close()
  })
  gateway.pretend(number, socket)
}

describe('the metrics of several workers', () => {
  it('are the sums of what each of them says, and its own where sums mean nothing', async (test) => {
    const { gateway, scrape, url } = await start(test, 3)
    await gateway.send(1, '/own', 3)
    await gateway.send(2, '/own', 4)
    await gateway.send(2, '/app/x', 5)
    await gateway.send(3, '/nowhere', 2)
    const [one, two, three] = await Promise.all([1, 2, 3].map((number) => alone(gateway, number)))
    const text = await scrape()
    const all = series(text)
    assert.equal(all.get(OWN), 7)
    for (const [name, value] of all) {
      if (!/^sluice_(?:http|upstream_(?:requests|failures|request_duration))/.test(name)) continue
      const sum = [one, two, three].reduce((before, each) => before + (each!.get(name) ?? 0), 0)
      assert.ok(Math.abs(value - sum) < 1e-9, `${name} ${value} ${sum}`)
    }
    for (const name of [...one!.keys(), ...two!.keys(), ...three!.keys()])
      if (!/^(?:process|nodejs)_/.test(name)) assert.ok(all.has(name), name)
    assert.equal(all.get(`sluice_upstream_health{upstream="app",endpoint="${url}"}`), 1)
    assert.equal(all.get(`sluice_upstream_share{upstream="app",endpoint="${url}"}`), 1)
    assert.equal(all.get('sluice_config_version'), 1)
    assert.equal(total(text, 'sluice_build_info'), 1)
    for (const number of ['1', '2', '3']) {
      assert.ok(all.get(`process_resident_memory_bytes{worker="${number}"}`)! > 1e6)
      assert.equal(all.get(`sluice_worker_scrape_failures_total{worker="${number}"}`), 0)
    }
    assert.equal(await checkMetrics(text), '')
    assert.match(await scrape(OPEN), /# EOF\n$/)
  })

  it('never fall when a worker is killed and another takes its place', async (test) => {
    const { gateway, scrape } = await start(test, 2)
    await gateway.send(1, '/own', 3)
    await gateway.send(2, '/own', 4)
    const before = series(await scrape())
    await gateway.kill(2)
    const during = series(await scrape())
    assert.equal(during.get(OWN), 7)
    assert.equal(during.get('sluice_worker_scrape_failures_total{worker="2"}'), 1)
    await gateway.spawn(2)
    await gateway.send(2, '/own', 1)
    const text = await scrape()
    const after = series(text)
    assert.equal(after.get(OWN), 8)
    for (const [name, value] of before) {
      if (/_(?:total|count|sum|bucket)(?:\{|$)/.test(name)) assert.ok(after.get(name)! >= value, `${name} fell`)
    }
    await gateway.kill(2)
    await gateway.spawn(2)
    assert.equal(series(await scrape()).get(OWN), 8)
    assert.equal(await checkMetrics(text), '')
  })

  it('are there while one worker is killed again and again', async (test) => {
    const { gateway, scrape } = await start(test, 2)
    await gateway.send(1, '/own', 5)
    let last = 0
    for (let i = 0; i < 3; i++) {
      const scrapes = Array.from({ length: 5 }, () => scrape())
      await gateway.kill(2)
      await gateway.spawn(2)
      await gateway.send(2, '/own', 1)
      for (const text of [...(await Promise.all(scrapes)), await scrape()]) {
        const value = series(text).get(OWN) ?? 0
        assert.ok(value >= last, `${value} after ${last}`)
        last = value
      }
    }
    assert.equal(last, 8)
  })

  it('stay as they were while a worker hangs', async (test) => {
    const { gateway, scrape } = await start(test, 2)
    await gateway.send(1, '/own', 1)
    await gateway.send(2, '/own', 2)
    await scrape()
    gateway.worker(2).child.kill('SIGSTOP')
    await gateway.send(1, '/own', 1)
    const hanging = series(await scrape())
    assert.equal(hanging.get(OWN), 4)
    assert.equal(hanging.get('sluice_worker_scrape_failures_total{worker="2"}'), 1)
    gateway.worker(2).state = 'unresponsive'
    gateway.worker(2).state = 'ready'
    gateway.worker(2).child.kill('SIGCONT')
    await gateway.send(2, '/own', 1)
    assert.equal(series(await scrape()).get(OWN), 5)
  })

  it('are not spoilt by one that says what no worker says', async (test) => {
    const { gateway, scrape } = await start(test, 1)
    await gateway.send(1, '/own', 2)
    const head = '{"name":"sluice_http_requests_total","help":"","kind":"counter"}\n'
    const lies: readonly RequestListener[] = [
      (_, response) => response.end('garbage'),
      (_, response) => response.end('[]'),
      (_, response) => response.end('{"name":"a b","help":"","kind":"counter"}'),
      (_, response) => response.end(`${head}[[{"route":"own"},[["",null,"a lot",null]]]]`),
      (_, response) => response.end(`${head}[[{"route":7},[["",null,1,null]]]]`),
      (_, response) => response.end(`${head}[[{"route":"own"},[["_evil",null,1,null]]]]`),
      (_, response) => response.end(`${head}null`),
      (_, response) => response.writeHead(500).end(),
      (request) => request.socket.destroy(),
      (_, response) => {
        const more = (): boolean => response.write(' '.repeat(1 << 20))
        response.on('drain', more)
        more()
      },
      (_, response) => void response.write(head),
    ]
    for (const [i, lie] of lies.entries()) await pretend(test, gateway, 10 + i, lie)
    const text = await scrape()
    const all = series(text)
    assert.equal(all.get(OWN), 2)
    for (const i of lies.keys())
      assert.equal(all.get(`sluice_worker_scrape_failures_total{worker="${10 + i}"}`), 1, `${i}`)
    assert.equal(await checkMetrics(text), '')
    assert.ok(process.memoryUsage().rss < 1 << 30)
  })

  it('let the supervisor do other things with 20,000 lines of each of four workers', async (test) => {
    const { gateway, scrape } = await start(test, 0)
    const lines = ['{"name":"sluice_http_requests_total","help":"Requests","kind":"counter"}']
    for (let i = 0; i < 20_000; i += 50) {
      const sets = Array.from({ length: 50 }, (_, j) => [
        { route: `r${i + j}`, method: 'GET', code: '200' },
        [['', null, 1, null]],
      ])
      lines.push(JSON.stringify(sets))
    }
    const report = lines.join('\n')
    for (let number = 1; number <= 4; number++)
      await pretend(test, gateway, number, (_, response) => response.end(report))
    await scrape()
    let longest = 0
    let last = performance.now()
    const timer = setInterval(() => {
      longest = Math.max(longest, performance.now() - last)
      last = performance.now()
    }, 1)
    const text = await scrape()
    clearInterval(timer)
    assert.equal(series(text).get('sluice_http_requests_total{route="r19999",method="GET",code="200"}'), 4)
    test.diagnostic(`the loop was held for ${longest.toFixed(1)} ms at most`)
    assert.ok(longest < 500, `${longest} ms at a time`)
  })

  it('forget an endpoint with the last worker that has it', async (test) => {
    const { gateway, scrape, url } = await start(test, 2)
    await gateway.send(2, '/app/x', 3)
    const name = `sluice_upstream_requests_total{upstream="app",endpoint="${url}"}`
    assert.equal(series(await scrape()).get(name), 3)
    await gateway.kill(2)
    await gateway.spawn(2)
    assert.equal(series(await scrape()).get(name), 3)
    await gateway.configure(configuration('http://127.0.0.1:1'))
    await until(async () => !(await scrape()).includes(url), 'the end of the endpoint')
  })
})
