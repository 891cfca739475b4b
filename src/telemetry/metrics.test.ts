import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { exposition } from './exposition.ts'
import { Metrics } from './metrics.ts'

describe('metrics', () => {
  it('of one name and labels are one, in whatever order the labels come', () => {
    const metrics = new Metrics()
    metrics.counter('a_total', 'A', { x: '1', y: '2' }).add()
    metrics.counter('a_total', 'A', { y: '2', x: '1' }).add(2)
    metrics.counter('a_total', 'A', { x: '2' }).add()
    assert.deepEqual(
      metrics.samples().map(({ value }) => value),
      [3, 1],
    )
  })

  it('keep their cells when more are made', () => {
    const metrics = new Metrics()
    const first = metrics.counter('c_total', 'C', { i: 'first' })
    for (let i = 0; i < 1000; i++) metrics.gauge('g', 'G', { i: String(i) }).set(i)
    first.add()
    const samples = metrics.samples()
    assert.equal(samples[0]!.value, 1)
    assert.equal(samples[1000]!.value, 999)
  })

  it('may be made when they are read, until they are taken away', () => {
    const metrics = new Metrics()
    const take = metrics.collect('gauge', 'hot', 'Hot', () => [{ labels: { key: 'a' }, value: 7 }])
    assert.deepEqual(
      metrics.samples().map(({ value }) => value),
      [7],
    )
    const more = metrics.collect('gauge', 'hot', 'Hot', () => [{ labels: { key: 'b' }, value: 8 }])
    assert.equal(exposition(metrics.samples()), '# HELP hot Hot\n# TYPE hot gauge\nhot{key="a"} 7\nhot{key="b"} 8\n')
    take()
    more()
    assert.deepEqual(metrics.samples(), [])
  })

  it('are written as Prometheus reads them', () => {
    const metrics = new Metrics()
    metrics.counter('a_total', 'Counts\nA', { path: 'C:\\"x"\n' }).add()
    metrics.gauge('b', 'B').set(0.5)
    assert.equal(
      exposition(metrics.samples()),
      '# HELP a_total Counts\\nA\n# TYPE a_total counter\na_total{path="C:\\\\\\"x\\"\\n"} 1\n# HELP b B\n# TYPE b gauge\nb 0.5\n',
    )
  })
})
