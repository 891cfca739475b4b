import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { endpointReport, statsReport, trafficStats, upstreamReport } from '../../../test/lab/admin-reports.ts'
import { Counters, errorsOf, Figures, healthOf, upstreamHealth } from './figures.js'
import { bytes, count, duration, moment, plural, rate, share, span } from './words.js'

describe('counters', () => {
  it('give rates from the second report on', () => {
    const counters = new Counters()
    counters.next(1_000)
    assert.equal(counters.rate('a', 50), null)
    counters.next(3_000)
    assert.equal(counters.rate('a', 150), 50)
    assert.equal(counters.rate('new', 7), null)
    counters.next(3_000)
    assert.equal(counters.rate('a', 150), 50, 'the same report again')
  })

  it('count from zero when what counted was replaced, and forget what has gone', () => {
    const counters = new Counters()
    counters.next(0)
    counters.rate('a', 1_000)
    counters.rate('b', 5)
    counters.next(1_000)
    assert.equal(counters.rate('a', 30), 30)
    counters.next(2_000)
    assert.equal(counters.rate('b', 10), null)
  })
})

describe('the health of an endpoint', () => {
  it('says which workers differ', () => {
    const check = { healthy: false, checks: 3, failures: 3, lastError: 'status 503' }
    assert.equal(
      healthOf(endpointReport({ healthy: false, unhealthyIn: [2], check })).reason,
      'status 503, in worker 2 only',
    )
    assert.equal(healthOf(endpointReport({ healthy: false, unhealthyIn: [1, 3] })).reason, 'in workers 1, 3 only')
  })
})

describe('figures', () => {
  const report = (uptime: number, total: number, pid = 1) =>
    statsReport({
      uptime,
      pid,
      requests: { ...trafficStats(total, { serverErrors: total / 10, clientErrors: total / 5 }), inFlight: 1 },
      routes: [{ name: 'a', ...trafficStats(total) }],
      upstreams: [{ name: 'u', inFlight: 0, total: total / 2, failures: 0, latency: null }],
      process: { ...statsReport().process, cpu: uptime / 2_000 },
      spans: { exported: total, dropped: 0 },
    })

  it('are rates of the gateway, its routes and its upstreams', () => {
    const figures = new Figures()
    const first = figures.read(report(1_000, 100))
    assert.deepEqual([first.traffic.requests, first.cpu, errorsOf(first.traffic)], [null, null, null])
    const { traffic, cpu, spans, routes, upstreams } = figures.read(report(2_000, 200))
    assert.deepEqual([traffic.requests, traffic.clientErrors, traffic.serverErrors], [100, 20, 10])
    assert.deepEqual([errorsOf(traffic), cpu, spans], [30, 0.5, 100])
    assert.deepEqual([routes[0]!.requests, upstreams[0]!.requests], [100, 50])
    assert.equal(figures.restarts, 0)
  })

  it('begin anew with another process', () => {
    for (const again of [report(50, 3), report(3_000, 400, 2)]) {
      const figures = new Figures()
      figures.read(report(1_000, 100))
      figures.read(report(2_000, 200))
      assert.equal(figures.read(again).traffic.requests, null)
      assert.equal(figures.restarts, 1)
    }
  })
})

describe('health', () => {
  const check = { healthy: false, checks: 9, failures: 3, lastError: 'status 503' }
  const outlier = { ejected: true, reason: 'consecutive failures', ejections: 1, endsIn: 2_100 }
  const breaker = { state: 'open', openings: 1, retryAfter: 4 }

  it('of an endpoint has a word and a reason', () => {
    const told = (more: Parameters<typeof endpointReport>[0]) => Object.values(healthOf(endpointReport(more)))
    assert.deepEqual(told({}), ['up', 'Up', ''])
    assert.deepEqual(told({ warming: true }), ['warming', 'Warming', 'slow start'])
    assert.deepEqual(told({ check, healthy: false }), ['down', 'Down', 'status 503'])
    assert.deepEqual(told({ check: { ...check, lastError: '' } })[2], 'health check fails')
    assert.deepEqual(told({ outlier }), ['out', 'Ejected', 'consecutive failures, back in 3 s'])
    assert.deepEqual(told({ breaker }), ['out', 'Broken', 'circuit breaker open'])
    assert.deepEqual(told({ healthy: false }), ['down', 'Down', ''])
  })

  it('of an upstream counts its endpoints', () => {
    const told = (more: Parameters<typeof upstreamReport>[0]) => Object.values(upstreamHealth(upstreamReport(more)))
    const endpoints = [endpointReport(), endpointReport({ healthy: false })]
    assert.deepEqual(told({}), ['up', '1 of 1 up', ''])
    assert.deepEqual(told({ endpoints }), ['out', '1 of 2 up', ''])
    assert.deepEqual(told({ endpoints: [] }), ['down', '0 of 0 up', ''])
    const [state, , reason] = told({ panic: true, breaker, discovery: { error: 'ENOTFOUND' } })
    assert.equal(state, 'out')
    assert.equal(reason, 'panic: health is not looked at; circuit breaker open; discovery: ENOTFOUND')
  })
})

describe('words', () => {
  const all = <T>(say: (value: T) => string, cases: readonly (readonly [T, string])[]): void => {
    for (const [value, said] of cases) assert.equal(say(value), said)
  }

  it('for numbers', () => {
    all(count, [
      [0, '0'],
      [9_999, '9,999'],
      [10_000, '10.0k'],
      [999_499, '999.5k'],
      [999_500, '1.00M'],
      [12_345_678, '12.3M'],
      [4e9, '4.00G'],
    ])
    all(rate, [
      [null, '–'],
      [0, '0'],
      [0.01, '<0.1'],
      [0.4, '0.4'],
      [9.94, '9.9'],
      [9.96, '10'],
      [12_000, '12.0k'],
    ])
    all(share, [
      [null, '–'],
      [0, '0 %'],
      [0.0004, '<0.1 %'],
      [0.034, '3.4 %'],
      [0.334, '33 %'],
      [1, '100 %'],
    ])
    assert.deepEqual([plural(1, 'problem'), plural(2, 'problem')], ['1 problem', '2 problems'])
  })

  it('for times', () => {
    all(duration, [
      [null, '–'],
      [undefined, '–'],
      [0, '0 ms'],
      [0.004, '<0.01 ms'],
      [0.42, '0.42 ms'],
      [4.2, '4.2 ms'],
      [9.96, '10 ms'],
      [999.6, '1.0 s'],
      [9_960, '9 s'],
      [75_000, '1 min'],
    ])
    all(span, [
      [-5, '0 s'],
      [59_999, '59 s'],
      [3_600_000 * 2 + 300_000, '2 h 5 min'],
      [86_400_000 * 3 + 3_600_000 * 4, '3 d 4 h'],
    ])
    const noon = new Date(2026, 4, 5, 12, 3, 4).getTime()
    assert.equal(moment(noon, noon), '12:03:04')
    assert.equal(moment(noon, noon + 86_400_000), '2026-05-05 12:03:04')
  })

  it('for bytes', () => {
    all(bytes, [
      [null, '–'],
      [1_023, '1023 B'],
      [1_024, '1.00 KiB'],
      [1_048_300, '1.00 MiB'],
      [120 << 20, '120 MiB'],
      [2 ** 50, '1024 TiB'],
    ])
  })
})
