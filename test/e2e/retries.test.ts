// Requests that fail, and are tried again: what clients notice of it, and what endpoints get.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { sha256 } from '../lab/bodies.ts'
import { ROADS } from '../lab/gateway.ts'
import { codeOf, endpoints, nameOf, ResilienceLab as Lab } from '../lab/resilience.ts'
import { echoWhole, startHttpUpstream } from '../lab/upstreams.ts'

const ascending = (a: number, b: number): number => a - b

for (const road of ROADS) {
  describe(`retries on ${road.name}`, () => {
    it('hide an endpoint that refuses, for every method, without being asked for', async (test) => {
      const [a, b] = await endpoints(test, 2)
      const lab = await Lab.start(test, [a!.url, b!.url], { road })
      await a!.become({ kind: 'refuse' })
      for (let i = 0; i < 6; i++) {
        assert.equal(nameOf(await lab.client.get('/')), 'b')
        assert.equal(nameOf(await lab.post('POST', 'body')), 'b')
      }
    })

    it('hide resets of requests that may be repeated, and of no others', async (test) => {
      const [a, b] = await endpoints(test, 2)
      const lab = await Lab.start(test, [a!.url, b!.url], { road })
      await a!.become({ kind: 'reset', at: 'start' })
      for (let i = 0; i < 6; i++) assert.equal(nameOf(await lab.client.get('/')), 'b')
      const before = a!.requests.arrived
      const statuses = []
      for (let i = 0; i < 6; i++) statuses.push((await lab.post('POST', 'body')).status)
      assert.deepEqual(statuses.toSorted(ascending), [200, 200, 200, 502, 502, 502])
      assert.equal(a!.requests.arrived - before, 3, 'each of them once')
    })

    it('ask again on chosen statuses, and after the time of one try', async (test) => {
      const [a, b] = await endpoints(test, 2)
      const policy = 'retries: { attempts: 1, on: [timeout, 503], perTry: 100ms }'
      const lab = await Lab.start(test, [a!.url, b!.url], { road, policy })
      await a!.become({ kind: 'errors' })
      for (let i = 0; i < 4; i++) assert.equal(nameOf(await lab.client.get('/')), 'b')
      await a!.become({ kind: 'errors', status: 500 })
      const statuses = [await lab.client.get('/'), await lab.client.get('/')].map(({ status }) => status)
      assert.deepEqual(statuses.toSorted(ascending), [200, 500], 'a status that was not named is passed on')
      await a!.become({ kind: 'stall' })
      for (let i = 0; i < 4; i++) assert.equal(nameOf(await lab.client.get('/')), 'b')
    })

    it('send a small body again, every byte of it, and give up on a large one', async (test) => {
      const [a] = await endpoints(test, 1)
      await a!.become({ kind: 'reset', at: 'start' })
      const b = await startHttpUpstream(test, echoWhole)
      const lab = await Lab.start(test, [a!.url, b.url], {
        road,
        policy: 'retries: { bodyLimit: 32KiB, budget: 100% }',
      })
      for (let i = 0; i < 4; i++) {
        const body = randomBytes(20_000)
        const response = await lab.post('PUT', body)
        assert.equal(response.status, 200)
        assert.equal(sha256(response.body), sha256(body))
      }
      const large = [(await lab.post('PUT', randomBytes(100_000))).status]
      const again = await lab.connect()
      again.send('PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n')
      again.send(randomBytes(100_000))
      large.push((await again.response('PUT')).status)
      assert.deepEqual(large.toSorted(ascending), [200, 502])
    })

    it('are hedged: the faster of two replies is taken', async (test) => {
      const [a, b] = await endpoints(test, 2)
      const lab = await Lab.start(test, [a!.url, b!.url], { road, policy: 'hedge: { after: 30ms, budget: 100% }' })
      await a!.become({ kind: 'slow', from: 10_000 })
      for (let i = 0; i < 6; i++) assert.equal(nameOf(await lab.client.get('/')), 'b')
      await a!.until(() => a!.requests.abandoned === a!.requests.arrived, 'the slow requests to be given up')
      assert.ok(a!.requests.arrived >= 3)
      assert.equal((await lab.report()).inFlight, 0)
    })
  })
}

describe('the budget', () => {
  it('bounds what failing requests add to the load', async (test) => {
    const [a, b] = await endpoints(test, 2)
    const policy = 'retries: { attempts: 5, on: [503], budget: 20%, backoff: 1ms }\npanic: 0%'
    const lab = await Lab.start(test, [a!.url, b!.url], { policy })
    for (const endpoint of [a!, b!]) await endpoint.become({ kind: 'errors' })
    for (let i = 0; i < 200; i++) assert.equal((await lab.client.get('/')).status, 503)
    const arrived = a!.requests.arrived + b!.requests.arrived
    assert.ok(arrived > 200, 'some were tried again')
    assert.ok(arrived <= 200 * 1.2 + 10, `${arrived} requests for 200`)
  })

  it('does not delay a client beyond the total time', async (test) => {
    const [a] = await endpoints(test, 1)
    await a!.become({ kind: 'stall' })
    const policy = 'timeouts: { total: 300ms }\nretries: { attempts: 10, on: [timeout], perTry: 100ms, budget: 100% }'
    const lab = await Lab.start(test, [a!.url], { policy })
    const response = await lab.client.get('/')
    assert.equal(response.status, 504)
    assert.equal(codeOf(response), 'SLUICE_UPSTREAM_TOTAL_TIMEOUT')
    assert.ok(a!.requests.arrived >= 2)
  })
})

describe('the deadline', () => {
  it('is passed on, and no client can pretend another', async (test) => {
    const upstream = await startHttpUpstream(test, (_, response) => void response.end('x'))
    const lab = await Lab.start(test, [upstream.url], { policy: 'timeouts: { total: 5s, header: X-Request-Timeout }' })
    await lab.client.get('/', 'X-Request-Timeout: 999999\r\n')
    const left = Number(upstream.seen[0]!.header('x-request-timeout'))
    assert.ok(left > 1000 && left <= 5000, `${left} ms`)
    assert.equal(upstream.seen[0]!.headers.filter((text) => text === 'x-request-timeout').length, 1)
  })
})
