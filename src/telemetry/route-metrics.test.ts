import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { RouteMetrics } from './route-metrics.ts'

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND']
const request = fc.record({ method: fc.constantFrom(...METHODS), status: fc.integer({ min: 100, max: 599 }) })

describe('what is counted of a route', () => {
  it('is every request, by method and status, as long as these are few', () => {
    fc.assert(
      fc.property(fc.array(request, { maxLength: 60 }), (requests) => {
        const route = new RouteMetrics('r')
        const model = new Map<string, number>()
        for (const { method, status } of requests) {
          route.record(method, status, 1, 2, 3)
          const key = `${method === 'PROPFIND' ? 'other' : method} ${status}`
          model.set(key, (model.get(key) ?? 0) + 1)
        }
        assert.deepEqual(
          new Map(Array.from(route.pairs(), ({ method, code, count }) => [`${method} ${code}`, count])),
          model,
        )
        assert.equal(route.bytesIn, requests.length * 2)
        assert.equal(route.bytesOut, requests.length * 3)
        assert.equal(route.ofClass(4), requests.filter(({ status }) => status >= 400 && status < 500).length)
      }),
    )
  })

  it('stays bounded when an upstream makes statuses up, and loses no request', () => {
    const route = new RouteMetrics('r')
    for (let round = 0; round < 3; round++)
      for (let status = 100; status < 1000; status++)
        for (const method of METHODS) route.record(method, status, 1, 0, 0)
    const pairs = [...route.pairs()]
    assert.equal(pairs.length, 64 + METHODS.length)
    assert.equal(
      pairs.reduce((sum, { count }) => sum + count, 0),
      3 * 900 * METHODS.length,
    )
    assert.equal(
      pairs.filter(({ code }) => code !== 'other').every(({ count }) => count === 3),
      true,
    )
  })

  it('knows the classes of statuses that are not told apart', () => {
    const route = new RouteMetrics('r')
    for (let status = 200; status < 300; status++) route.record('GET', status, 1, 0, 0)
    for (let i = 0; i < 5; i++) route.record('GET', 503, 1, 0, 0)
    for (let i = 0; i < 3; i++) route.record('POST', 499, 1, 0, 0)
    assert.deepEqual(
      [2, 4, 5].map((hundreds) => route.ofClass(hundreds)),
      [100, 3, 5],
    )
  })
})
