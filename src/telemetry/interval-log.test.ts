import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HistogramLogReader } from 'hdr-histogram-js'
import { Durations } from './durations.ts'
import { intervalLog } from './interval-log.ts'

describe('the interval log', () => {
  it('is read back with what happened in each interval, and nothing else', async () => {
    const busy = new Durations()
    const idle = new Durations()
    busy.record(1)
    const sources = [
      { tag: 'route=a, b', durations: busy },
      { tag: 'route=idle', durations: idle },
    ]
    let text = ''
    const options = { interval: 1, intervals: 3, signal: new AbortController().signal }
    let parts = 0
    for await (const part of intervalLog(() => sources, options)) {
      text += part
      if (parts === 0) for (let i = 1; i <= 100; i++) busy.record(i)
      if (parts === 2) busy.record(5000)
      parts++
    }
    assert.equal(parts, 4)
    const reader = new HistogramLogReader(text, 64)
    const first = reader.nextIntervalHistogram()!
    assert.equal(first.tag, 'route=a_b')
    assert.equal(first.totalCount, 100)
    assert.ok(Math.abs(first.getValueAtPercentile(90) - 90_000) < 900)
    const second = reader.nextIntervalHistogram()!
    assert.equal(second.totalCount, 1)
    assert.ok(Math.abs(second.maxValue - 5_000_000) < 50_000)
    assert.equal(reader.nextIntervalHistogram(), null)
  })

  it('ends when nobody listens any more', async () => {
    const gone = new AbortController()
    const log = intervalLog(() => [], { interval: 3_600_000, intervals: 2, signal: gone.signal })
    await log.next()
    const next = log.next()
    gone.abort()
    assert.equal((await next).done, true)
  })
})
