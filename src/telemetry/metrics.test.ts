import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { exposition } from './exposition.ts'
import { Metrics } from './metrics.ts'

function values(metrics: Metrics): number[] {
  return [...metrics.families()].flatMap(({ series }) => Array.from(series, ({ value }) => value))
}

describe('metrics', () => {
  it('of one name and labels are one, in whatever order the labels come', () => {
    const metrics = new Metrics()
    metrics.counter('a_total', 'A', { x: '1', y: '2' }).add()
    metrics.counter('a_total', 'A', { y: '2', x: '1' }).add(2)
    metrics.counter('a_total', 'A', { x: '2' }).add()
    assert.deepEqual(values(metrics), [3, 1])
  })

  it('keep their cells when more are made', () => {
    const metrics = new Metrics()
    const first = metrics.counter('c_total', 'C', { i: 'first' })
    for (let i = 0; i < 1000; i++) metrics.gauge('g', 'G', { i: String(i) }).set(i)
    first.add()
    assert.equal(values(metrics)[0], 1)
    assert.equal(values(metrics)[1000], 999)
  })

  it('may be made when they are read, until they are taken away', async () => {
    const metrics = new Metrics()
    const take = metrics.collect('gauge', 'hot', 'Hot', () => [{ labels: { key: 'a' }, value: 7 }])
    assert.deepEqual(values(metrics), [7])
    const more = metrics.collect('gauge', 'hot', 'Hot', () => [{ labels: { key: 'b' }, value: 8 }])
    assert.equal(await exposition(metrics), '# HELP hot Hot\n# TYPE hot gauge\nhot{key="a"} 7\nhot{key="b"} 8\n')
    take()
    more()
    assert.deepEqual([...metrics.families()], [])
  })

  it('that two give for the same labels are added up: a name with its labels stands once', async () => {
    const metrics = new Metrics()
    metrics.collect('counter', 'same_total', 'Same', () => [{ labels: { a: '1', b: '2' }, value: 7 }])
    metrics.collect('counter', 'same_total', 'Same', () => [{ labels: { b: '2', a: '1' }, value: 8 }])
    assert.equal(
      await exposition(metrics),
      '# HELP same_total Same\n# TYPE same_total counter\nsame_total{a="1",b="2"} 15\n',
    )
  })

  it('beyond the budget of their name are one, whoever asks for how many', () => {
    const metrics = new Metrics()
    metrics.budget = 10
    for (let i = 0; i < 100; i++) metrics.counter('c_total', 'C', { client: String(i) }).add()
    metrics.counter('c_total', 'C', { client: '3' }).add()
    assert.deepEqual(values(metrics), [1, 1, 1, 2, 1, 1, 1, 1, 1, 1, 90])
  })
})
