import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Metrics } from './metrics.ts'
import { RequestMetrics } from './request-metrics.ts'

describe('request metrics', () => {
  it('stay bounded when a plugin makes up codes of failures, and lose none', () => {
    const metrics = new Metrics()
    const requests = new RequestMetrics(metrics)
    for (let round = 0; round < 2; round++) for (let i = 0; i < 1000; i++) requests.failed(`MADE_UP_${i}`)
    const family = [...metrics.families()].find(({ name }) => name === 'sluice_http_failures_total')!
    const series = [...family.series]
    assert.ok(series.length <= 300, `${series.length} codes`)
    assert.equal(
      series.reduce((sum, { value }) => sum + value, 0),
      2000,
    )
    assert.equal(series.find(({ labels }) => labels['code'] === 'MADE_UP_0')!.value, 2)
  })

  it('of thousands of reloads with new names keep nothing but their sum', () => {
    const requests = new RequestMetrics(new Metrics())
    for (let i = 0; i < 10_000; i++) {
      requests.acquire(`route-${i}`).record('GET', 500, 1, 2, 3)
      requests.release(`route-${i}`)
    }
    assert.deepEqual(requests.totals(), {
      total: 10_000,
      clientErrors: 0,
      serverErrors: 10_000,
      bytesIn: 20_000,
      bytesOut: 30_000,
    })
  })
})
