import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { addCumulative, BOUNDS, bucketOf, Durations, microsOf } from './durations.ts'
import { histogramOf, RecentLatencies, statsOf } from './latencies.ts'

/** ms, from nothing to an hour, small ones as often as large ones. */
const durations = fc.array(
  fc
    .tuple(fc.integer({ min: 0, max: 31 }), fc.double({ min: 1, max: 2, noNaN: true }))
    .map(([power, part]) => (power === 0 ? 0 : (2 ** power * part) / 1000)),
  { minLength: 1, maxLength: 500 },
)
const LONGEST = (2 ** 31 - 1) / 1000

function recorded(values: readonly number[]): Durations {
  const all = new Durations()
  for (const value of values) all.record(value)
  return all
}

describe('durations', () => {
  it('are known to 1 %, or a microsecond, whatever their size', () => {
    fc.assert(
      fc.property(durations, (values) => {
        for (const value of values) {
          const { pages } = recorded([value])
          const at = pages.findIndex((page) => page !== null)
          const micros = microsOf(at, pages[at]!.indexOf(1))
          const exact = Math.min(value, LONGEST) * 1000
          assert.ok(Math.abs(micros - exact) <= Math.max(1, exact / 100), `${exact} µs seen as ${micros}`)
        }
      }),
    )
  })

  it('count and add up', () => {
    fc.assert(
      fc.property(durations, (values) => {
        const all = recorded(values)
        assert.equal(all.count, values.length)
        const sum = values.reduce((total, each) => total + each, 0) / 1000
        assert.ok(Math.abs(all.sum - sum) <= sum / 1e6)
      }),
    )
  })

  it('fall into the buckets of a histogram, but for those within 1 % of a bound', () => {
    fc.assert(
      fc.property(durations, (values) => {
        const sums = new Float64Array(BOUNDS.length + 1)
        addCumulative(recorded(values).pages, sums)
        const within = (bound: number): number =>
          values.filter((value) => Math.min(value, LONGEST) / 1000 <= bound).length
        for (const [i, bound] of BOUNDS.entries()) {
          assert.ok(sums[i]! >= within(bound * 0.99) && sums[i]! <= within(bound * 1.01 + 1e-6))
          if (i > 0) assert.ok(sums[i]! >= sums[i - 1]!)
        }
        assert.equal(sums[BOUNDS.length], values.length)
      }),
    )
  })

  it('what is no duration counts as none', () => {
    const all = recorded([-1, Number.NaN, -0])
    assert.equal(all.count, 3)
    assert.equal(all.sum, 0)
    assert.equal(all.pages[0]![0], 3)
  })

  it('have the bucket that their histogram has', () => {
    assert.equal(bucketOf(0), 0)
    assert.equal(bucketOf(0.005), BOUNDS.indexOf(0.005))
    assert.equal(bucketOf(1e9), BOUNDS.length)
  })
})

describe('percentiles', () => {
  it('are those of the sorted values, to 2 %', () => {
    fc.assert(
      fc.property(durations, (values) => {
        const sorted = values.map((value) => Math.min(value, LONGEST)).toSorted((a, b) => a - b)
        const stats = statsOf(histogramOf([recorded(values)]))!
        const close = (seen: number, share: number): void => {
          const exact = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!
          assert.ok(Math.abs(seen - exact) <= Math.max(0.002, exact * 0.02), `p${share * 100} ${exact} seen as ${seen}`)
        }
        close(stats.p50, 0.5)
        close(stats.p90, 0.9)
        close(stats.p99, 0.99)
        close(stats.max, 1)
        assert.equal(stats.count, values.length)
      }),
    )
  })

  it('are never above the longest', () => {
    for (const value of [0.3, 5.6, 702.4, 30_000]) {
      const { p50, p999, max } = statsOf(histogramOf([recorded([value])]))!
      assert.ok(p50 <= p999 && p999 <= max, `${p50} ${p999} ${max}`)
    }
  })

  it('of several are those of all together', () => {
    const stats = statsOf(histogramOf([recorded([1, 1, 1]), recorded([100])]))!
    assert.equal(stats.count, 4)
    assert.ok(Math.abs(stats.p50 - 1) < 0.02 && Math.abs(stats.max - 100) < 1)
  })

  it('of late forget what was 20 seconds ago', () => {
    const all = recorded([1])
    const other = new Durations()
    const recent = new RecentLatencies()
    const count = (time: number): number => recent.stats([all, other], time)?.count ?? 0
    assert.equal(count(0), 1)
    all.record(2)
    other.record(3)
    assert.equal(count(9_999), 3)
    assert.equal(count(10_000), 2, 'what was there at the first look is over')
    all.record(4)
    assert.equal(count(15_000), 3)
    assert.equal(count(20_000), 1)
    assert.equal(count(30_000), 0)
  })
})
