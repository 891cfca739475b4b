// The window beside a model that keeps every event, on a simulated clock.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { SlidingWindow } from './window.ts'

interface Event {
  readonly at: number
  readonly failed: boolean
  readonly latency: number
}

const events = fc.array(
  fc.record({
    wait: fc.oneof(
      { weight: 8, arbitrary: fc.integer({ min: 0, max: 400 }) },
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 1_000_000 }) },
    ),
    failed: fc.boolean(),
    latency: fc.oneof(
      fc.constant(-1),
      fc.double({ min: 0, max: 2, noNaN: true }),
      fc.double({ min: 0, max: 150_000, noNaN: true }),
    ),
  }),
  { maxLength: 200 },
)

function modelQuantile(latencies: readonly number[], q: number): number {
  const sorted = [...latencies].sort((a, b) => a - b)
  return sorted[Math.max(1, Math.ceil(sorted.length * q)) - 1] ?? 0
}

function assertClose(actual: number, exact: number): void {
  const expected = Math.min(exact, 120_000)
  assert.ok(Math.abs(actual - expected) <= expected * 0.0625 + 0.05, `${actual} is not about ${expected}`)
}

describe('SlidingWindow', () => {
  it('tells what a model tells that keeps every event', () => {
    const slices = fc.integer({ min: 1, max: 100 })
    fc.assert(
      fc.property(events, slices, fc.double({ min: 0, max: 1, noNaN: true }), (of, slice, q) => {
        let now = 5000
        const window = new SlidingWindow(slice * 10, () => now)
        const kept: Event[] = []
        for (const { wait, failed, latency } of of) {
          now += wait
          window.record(failed, latency)
          kept.push({ at: now, failed, latency })
          const sliceOf = (at: number): number => Math.floor((at - 5000) / slice)
          const within = kept.filter(({ at }) => sliceOf(now) - sliceOf(at) < 10)
          assert.equal(window.requests, within.length)
          assert.equal(window.failures, within.filter((event) => event.failed).length)
          const latencies = within.map((event) => event.latency).filter((each) => each >= 0)
          assertClose(window.quantile(q), modelQuantile(latencies, q))
        }
      }),
      { numRuns: 300 },
    )
  })

  it('keeps what is younger than nine tenths of the window, and nothing older than it, whatever its length', () => {
    const lengths = fc.double({ min: 1, max: 5000, noNaN: true })
    fc.assert(
      fc.property(events, lengths, (of, length) => {
        let now = 0
        const window = new SlidingWindow(length, () => now)
        const times: number[] = []
        for (const { wait } of of) {
          now += wait / 7
          window.record(false, 1)
          times.push(now)
          assert.ok(window.requests >= times.filter((at) => now - at < length * 0.9 - 1e-6).length)
          assert.ok(window.requests <= times.filter((at) => now - at <= length + 1e-6).length)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('is empty after a long pause, without anybody recording', () => {
    let now = 0
    const window = new SlidingWindow(1000, () => now)
    for (let i = 0; i < 100; i++) window.record(true, i)
    now = 1e9
    assert.deepEqual([window.requests, window.failures, window.quantile(0.5)], [0, 0, 0])
    window.record(true, 10)
    assert.deepEqual([window.requests, window.failures], [1, 1])
  })

  it('forgets at once when it is cleared', () => {
    const window = new SlidingWindow(1000, () => 0)
    window.record(true, 5)
    window.clear()
    assert.deepEqual([window.requests, window.failures, window.quantile(1)], [0, 0, 0])
  })

  it('takes latencies that are none, or beyond everything', () => {
    const window = new SlidingWindow(1000, () => 0)
    for (const latency of [-1, Number.NaN, Infinity, Number.MAX_VALUE, 0]) window.record(false, latency)
    assert.equal(window.requests, 5)
    assertClose(window.quantile(1), 120_000)
    assertClose(window.quantile(0), 0)
  })
})
