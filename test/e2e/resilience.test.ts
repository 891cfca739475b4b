// Endpoints that fail, leave and come back: who is asked then, over real sockets.
import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import { describe, it } from 'node:test'
import type { UpstreamReport } from '../../src/upstreams/report.ts'
import { codeOf, endpoints, nameOf, ResilienceLab as Lab, yaml } from '../lab/resilience.ts'
import { startHttpUpstream, Upstream } from '../lab/upstreams.ts'

describe('the circuit breaker', () => {
  const breaker =
    'breaker: { window: 10s, minimum: 4, failures: 50%, open: 300ms, probes: 1 }\nretries: { attempts: 0 }\nslowStart: 0s'

  it('opens, says when to come back, and closes again', async (test) => {
    const [a] = await endpoints(test, 1)
    const lab = await Lab.start(test, [a!.url], { policy: breaker })
    await a!.become({ kind: 'errors' })
    for (let i = 0; i < 4; i++) assert.equal((await lab.client.get('/')).status, 503)
    const refused = await lab.client.get('/')
    assert.equal(refused.status, 503)
    assert.equal(codeOf(refused), 'SLUICE_UPSTREAM_CIRCUIT_OPEN')
    assert.equal(refused.header('retry-after'), '1')
    assert.equal(a!.requests.arrived, 4, 'nothing is sent while it is open')
    await a!.become({ kind: 'healthy' })
    const isHalfOpen = ({ breaker, endpoints: [only] }: UpstreamReport): boolean =>
      breaker!.state === 'half-open' && only!.breaker!.state === 'half-open'
    await lab.until(isHalfOpen, 'both breakers to be half open')
    assert.equal(nameOf(await lab.client.get('/')), 'a')
    assert.equal((await lab.report()).breaker!.state, 'closed')
  })

  it('leaves an endpoint out, and its state survives a reload', async (test) => {
    const [a, b] = await endpoints(test, 2)
    const policy = breaker.replace('300ms', '60s')
    const lab = await Lab.start(test, [a!.url, b!.url], { policy: policy.replace('failures: 50%', 'per: [endpoint]') })
    await a!.become({ kind: 'errors' })
    for (let i = 0; i < 8; i++) await lab.client.get('/')
    const state = ({ endpoints: [first] }: UpstreamReport): string => first!.breaker!.state
    assert.equal(state(await lab.report()), 'open')
    for (let i = 0; i < 4; i++) assert.equal(nameOf(await lab.client.get('/')), 'b')
    for (const weight of [2, 3]) {
      await lab.gateway.configure(
        yaml([`{ url: '${a!.url}', weight: ${weight} }`, b!.url], {
          policy: policy.replace('failures: 50%', 'per: [endpoint]'),
        }),
      )
      await lab.gateway.waitForNext(({ msg }) => msg === 'configuration reloaded')
      assert.equal(state(await lab.report()), 'open')
      assert.equal(nameOf(await lab.client.get('/')), 'b')
    }
    assert.equal(b!.connections.accepted, 1, 'no connection was given up by the reloads')
  })

  it('hands over to a fallback: another upstream, or a reply', async (test) => {
    const [a, b] = await endpoints(test, 2)
    const more = `other: { endpoints: [{ url: '${b!.url}' }] }`
    const lab = await Lab.start(test, [a!.url], { policy: `${breaker}\nfallback: { upstream: other }`, more })
    await a!.become({ kind: 'errors' })
    for (let i = 0; i < 4; i++) await lab.client.get('/')
    assert.equal(nameOf(await lab.client.get('/')), 'b')
    await lab.gateway.configure(
      yaml([a!.url], {
        policy: `${breaker}\nfallback: { respond: { status: 200, body: later, headers: { x-from: gateway } } }`,
      }),
    )
    await lab.gateway.waitForNext(({ msg }) => msg === 'configuration reloaded')
    await a!.become({ kind: 'errors' })
    for (let i = 0; i < 20; i++) {
      const response = await lab.client.get('/')
      if (response.status !== 200) continue
      assert.equal(response.body.toString(), 'later')
      assert.equal(response.header('x-from'), 'gateway')
      return
    }
    assert.fail('the fixed reply never came')
  })

  it('limits the requests on their way', async (test) => {
    const [a] = await endpoints(test, 1)
    await a!.become({ kind: 'slow', from: 10_000 })
    const lab = await Lab.start(test, [a!.url], { policy: 'breaker: { maxConcurrent: 2 }' })
    for (let i = 0; i < 2; i++) (await lab.connect()).send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await a!.until(() => a!.requests.arrived === 2, 'two requests')
    assert.equal(codeOf(await lab.client.get('/')), 'SLUICE_UPSTREAM_CIRCUIT_OPEN')
    assert.equal((await lab.report()).inFlight, 2)
  })
})

describe('health', () => {
  const health = 'health: { path: /healthz, interval: 50ms, timeout: 1s, healthy: 2, unhealthy: 2 }\nslowStart: 0s'

  it('takes an endpoint out and brings it back, without a client that notices', async (test) => {
    const [a, b, c] = await endpoints(test, 3)
    const lab = await Lab.start(test, [a!.url, b!.url, c!.url], { policy: health })
    const isHealthy = (report: UpstreamReport): boolean => report.endpoints[0]!.healthy
    await lab.until(({ endpoints: all }) => all.every(({ check }) => check!.checks > 0), 'the first checks')
    await a!.become({ kind: 'errors' })
    await lab.until((report) => !isHealthy(report), 'the failing endpoint to be out')
    for (let i = 0; i < 6; i++) assert.notEqual(nameOf(await lab.client.get('/')), 'a')
    assert.equal(a!.requests.arrived, 0)
    const metrics = await (await fetch(`http://127.0.0.1:${lab.gateway.port('admin')}/metrics`)).text()
    assert.ok(metrics.includes(`sluice_upstream_health{upstream="app",endpoint="${a!.url}"} 0`), metrics)
    assert.ok(metrics.includes(`sluice_upstream_health{upstream="app",endpoint="${b!.url}"} 1`), metrics)
    await a!.become({ kind: 'healthy' })
    await lab.until(isHealthy, 'the endpoint to be back')
    const names = new Set<string>()
    for (let i = 0; i < 3; i++) names.add(nameOf(await lab.client.get('/')))
    assert.deepEqual([...names].toSorted(), ['a', 'b', 'c'])
  })

  it('is not looked at when too few are healthy', async (test) => {
    const [a, b] = await endpoints(test, 2)
    const lab = await Lab.start(test, [a!.url, b!.url], { policy: health.replace('/healthz', '/nothing') })
    for (const endpoint of [a!, b!]) await endpoint.become({ kind: 'errors' })
    await lab.until(({ endpoints: all }) => all.every(({ healthy }) => !healthy), 'both to be unhealthy')
    for (const endpoint of [a!, b!]) await endpoint.become({ kind: 'stall' })
    await lab.until(({ panic }) => panic, 'the panic')
    for (const endpoint of [a!, b!]) await endpoint.become({ kind: 'healthy' })
    assert.equal((await lab.client.get('/')).status, 200, 'an endpoint that failed its checks is better than none')
  })

  it('ejects an endpoint that fails in a row', async (test) => {
    const [a, b] = await endpoints(test, 2)
    const lab = await Lab.start(test, [a!.url, b!.url], {
      policy: 'outlier: { consecutive: 3, ejection: 60s }\nretries: { attempts: 0 }',
    })
    await a!.become({ kind: 'errors' })
    for (let i = 0; i < 6; i++) await lab.client.get('/')
    const { endpoints: all } = await lab.report()
    assert.equal(all[0]!.outlier!.reason, 'consecutive')
    assert.equal(all[0]!.share, 0)
    for (let i = 0; i < 4; i++) assert.equal(nameOf(await lab.client.get('/')), 'b')
  })
})

describe('the choice', () => {
  it('follows the key of the request', async (test) => {
    const all = await endpoints(test, 4)
    const policy = 'balance: consistent-hash\nhash: { key: "header:x-user", bound: 0 }'
    const lab = await Lab.start(
      test,
      all.map(({ url }) => url),
      { policy },
    )
    const seen = new Set<string>()
    for (let user = 0; user < 20; user++) {
      const first = nameOf(await lab.client.get('/', `X-User: ${user}\r\n`))
      assert.equal(nameOf(await lab.client.get('/', `X-User: ${user}\r\n`)), first)
      seen.add(first)
    }
    assert.ok(seen.size > 2, `20 users on ${seen.size} of 4 endpoints`)
  })

  it('keeps a client at its endpoint by a cookie, for as long as that is well', async (test) => {
    const all = await endpoints(test, 3)
    const lab = await Lab.start(
      test,
      all.map(({ url }) => url),
      { policy: 'sticky: { cookie: where, maxAge: 1h }' },
    )
    const first = await lab.client.get('/')
    const cookie = first.header('set-cookie')
    assert.match(cookie, /^where=[\w-]{8,}; Path=\/; HttpOnly; SameSite=Lax; Max-Age=3600$/)
    const bound = `Cookie: a=b; ${cookie.split(';')[0]!}\r\n`
    for (let i = 0; i < 5; i++) {
      const response = await lab.client.get('/', bound)
      assert.equal(nameOf(response), nameOf(first))
      assert.equal(response.header('set-cookie'), '')
    }
    await all.find(({ name }) => name === nameOf(first))!.become({ kind: 'refuse' })
    const moved = await lab.client.get('/', bound)
    assert.notEqual(nameOf(moved), nameOf(first))
    assert.notEqual(moved.header('set-cookie'), '')
    assert.equal((await lab.client.get('/', 'Cookie: where=nonsense\r\n')).status, 200)
  })

  it('prefers the own zone, and spills over when that is short', async (test) => {
    const all = await endpoints(test, 4)
    const zones = all.map(({ url }, i) => `{ url: '${url}', zone: ${i < 2 ? 'here' : 'there'} }`)
    const policy = 'health: { path: /healthz, interval: 50ms, unhealthy: 1, healthy: 1 }\npanic: 0%\nslowStart: 0s'
    const lab = await Lab.start(test, zones, { before: 'zone: here', policy })
    for (let i = 0; i < 10; i++) assert.match(nameOf(await lab.client.get('/')), /[ab]/)
    await all[0]!.become({ kind: 'errors' })
    const report = await lab.until(({ endpoints: [a] }) => !a!.healthy, 'a to be out')
    // Half of the zone is usable: it is asked for 0.5 / 0.7 of the traffic.
    assert.deepEqual(
      report.endpoints.map(({ share }) => Math.round(share * 100)),
      [0, 71, 14, 14],
    )
  })

  it('moves weights towards endpoints that report less load', async (test) => {
    const report =
      (load: string): RequestListener =>
      (_, response) => {
        response.setHeader('x-endpoint-load', load)
        response.end('x')
      }
    const busy = await startHttpUpstream(test, report('0.9'))
    const idle = await startHttpUpstream(test, report('0.1'))
    const lab = await Lab.start(test, [busy.url, idle.url], {
      policy: 'loadAware: { interval: 100ms, transition: 200ms, floor: 20%, ceiling: 300% }',
    })
    const moved = lab.until(
      ({ endpoints: [a, b] }) => b!.share > 0.55 && a!.reportedLoad === 0.9,
      'the weights to move',
    )
    const traffic = { goes: true }
    void moved.finally(() => (traffic.goes = false)).catch(() => {})
    while (traffic.goes) await lab.client.get('/')
    await moved
  })
})

describe('500 reloads under load', () => {
  it('lose no request and no state', async (test) => {
    const all = await endpoints(test, 3)
    const policy =
      'breaker: { minimum: 4, per: [endpoint], open: 10m }\noutlier: { consecutive: 0 }\nretries: { on: [503], budget: 100% }'
    const urls = all.map(({ url }) => url)
    const lab = await Lab.start(test, urls, { policy })
    await all[0]!.become({ kind: 'errors' })
    for (let i = 0; i < 20; i++) await lab.client.get('/')
    assert.equal((await lab.report()).endpoints[0]!.breaker!.state, 'open')
    const traffic = { goes: true }
    const clients = Array.from({ length: 4 }, async () => {
      const client = await lab.connect()
      let served = 0
      while (traffic.goes) {
        assert.equal((await client.get('/')).status, 200)
        served++
      }
      return served
    })
    const arrived = all[0]!.requests.arrived
    for (let i = 0; i < 500; i++) {
      const weighted = urls.map((url, k) => (k === 1 ? `{ url: '${url}', weight: ${1 + (i % 7)} }` : url))
      await lab.gateway.configure(yaml(weighted, { policy }))
      lab.gateway.signal('SIGHUP')
      await lab.gateway.waitForNext(({ msg }) => msg === 'configuration reloaded')
    }
    traffic.goes = false
    const served = (await Promise.all(clients)).reduce((sum, count) => sum + count, 0)
    assert.ok(served > 500, `${served} requests`)
    const { endpoints: reports } = await lab.report()
    assert.equal(reports[0]!.breaker!.state, 'open')
    assert.equal(all[0]!.requests.arrived, arrived, 'the open breaker was never forgotten')
    assert.ok(all[1]!.connections.accepted <= 8, `${all[1]!.connections.accepted} connections`)
  })
})

describe('an endpoint that leaves by a reload', () => {
  it('finishes what it has', async (test) => {
    const pending: (() => void)[] = []
    const server = createServer((_, response) => void pending.push(() => response.end('late')))
    const slow = await Upstream.start(test, server)
    const [b] = await endpoints(test, 1)
    const lab = await Lab.start(test, [slow.url])
    lab.client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await slow.until(() => slow.opened === 1, 'the request')
    await lab.gateway.configure(yaml([b!.url], {}))
    await lab.gateway.waitForNext(({ msg }) => msg === 'configuration reloaded')
    const other = await lab.connect()
    assert.equal(nameOf(await other.get('/')), b!.name)
    while (pending.length === 0) await new Promise((resolve) => setImmediate(resolve))
    pending[0]!()
    assert.equal((await lab.client.response()).body.toString(), 'late')
    await slow.until(() => slow.sockets.size === 0, 'the connection to be closed')
  })
})
