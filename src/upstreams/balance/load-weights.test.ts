import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { LoadWeights, type EndpointStats } from './load-weights.ts'

const NO_DATA: EndpointStats = { p95: 0, load: -1, events: 0, inFlight: 0 }
const USUAL: EndpointStats = { p95: 20, load: 0.5, events: 100, inFlight: 4 }
const SETTLED = 1e9

function factors(stats: readonly EndpointStats[], weights = stats.map(() => 1)): number[] {
  const loadWeights = new LoadWeights(weights)
  loadWeights.sample(stats, 0)
  return stats.map((_, i) => loadWeights.factorAt(i, SETTLED))
}

const near = (actual: number, expected: number): void => assert.ok(Math.abs(actual - expected) < 1e-9, `${actual}`)

it('leaves alone whom nothing is known of, and a group of equals', () => {
  assert.deepEqual(factors([NO_DATA, NO_DATA]), [1, 1])
  for (const factor of factors([USUAL, USUAL, USUAL])) near(factor, 1)
  near(factors([USUAL, NO_DATA])[1]!, 1)
  near(factors([{ ...USUAL, p95: 900, load: 1 }])[0]!, 1)
})

it('gives less to who is slower, more loaded, or has more on its way', () => {
  for (const worse of [{ p95: 80 }, { load: 0.9 }, { inFlight: 30 }]) {
    const [usual, bad] = factors([USUAL, { ...USUAL, ...worse }])
    assert.ok(bad! < 1 && usual! > 1, JSON.stringify(worse))
  }
  // 0.5 * 40/25 + 0.3 * 1 + 0.2 * 1, and 0.5 * 10/25 + 0.5
  const [slow, fast] = factors([
    { ...USUAL, p95: 40 },
    { ...USUAL, p95: 10 },
  ])
  near(slow!, 1 / 1.3)
  near(fast!, 1 / 0.7)
})

it('takes the share of requests where no load is reported, seen against the weight', () => {
  const silent = { ...USUAL, load: -1 }
  const [much, little] = factors([{ ...silent, events: 300 }, silent])
  assert.ok(much! < 1 && little! > 1)
  const heavy = { ...silent, events: 300, inFlight: 12 }
  for (const factor of factors([heavy, silent], [3, 1])) near(factor, 1)
})

it('stays within its bounds, whatever it is told', () => {
  const [bad, good] = factors([
    { p95: 1e6, load: 1, events: 9, inFlight: 1e6 },
    { ...USUAL, p95: 0.001, load: 0, inFlight: 0 },
  ])
  assert.ok(bad! >= 0.2 && bad! < 0.6)
  assert.equal(good, 2)
  const hostile = fc.constantFrom(NaN, -1, Infinity, -Infinity, 0, 1e308, 5e-324, 1)
  const stats = fc.record({ p95: hostile, load: hostile, events: hostile, inFlight: hostile })
  const weights = fc.array(fc.constantFrom(0, 1, 3, 65_535), { minLength: 3, maxLength: 3 })
  fc.assert(
    fc.property(fc.tuple(stats, stats, stats), weights, (group, configured) => {
      for (const factor of factors(group, configured)) assert.ok(factor >= 0.2 && factor <= 2, `${factor}`)
    }),
  )
})

it('never jumps: within dt a factor moves by the width of the bounds times dt / transition at most', () => {
  const stats = fc.record({
    p95: fc.nat(1000),
    load: fc.constantFrom(-1, 0, 0.2, 1),
    events: fc.nat(1000),
    inFlight: fc.nat(50),
  })
  const step = fc.record({ wait: fc.nat(20_000), sample: fc.option(fc.tuple(stats, stats, stats)) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const loadWeights = new LoadWeights([1, 2, 3], { transition: 30_000, floor: 0.2, ceiling: 2 })
      let now = 0
      let before = [1, 1, 1]
      const moments: [number, number[]][] = []
      for (const { wait, sample } of steps) {
        now += wait
        const at = before.map((_, i) => loadWeights.factorAt(i, now))
        if (sample !== null) loadWeights.sample(sample, now)
        // A sample by itself changes nothing yet.
        at.forEach((factor, i) => near(loadWeights.factorAt(i, now), factor))
        moments.push([now, at])
        before = at
      }
      for (const [from, first] of moments) {
        for (const [to, second] of moments) {
          const most = (1.8 * Math.abs(to - from)) / 30_000 + 1e-9
          first.forEach((factor, i) => assert.ok(Math.abs(second[i]! - factor) <= most))
        }
      }
    }),
  )
})

it('arrives at its target when the transition is over, or at once without one', () => {
  const loadWeights = new LoadWeights([1, 1], { transition: 10_000 })
  loadWeights.sample(
    [
      { ...USUAL, p95: 40 },
      { ...USUAL, p95: 10 },
    ],
    0,
  )
  near(loadWeights.factorAt(0, 5_000), 1 + (1 / 1.3 - 1) / 2)
  near(loadWeights.factorAt(0, 10_000), 1 / 1.3)
  const sudden = new LoadWeights([1, 1], { transition: 0 })
  sudden.sample(
    [
      { ...USUAL, p95: 40 },
      { ...USUAL, p95: 10 },
    ],
    0,
  )
  near(sudden.factorAt(0, 0), 1 / 1.3)
})

it('refuses bounds that do not enclose 1', () => {
  assert.throws(() => new LoadWeights([1], { floor: 1.5 }), /either side of 1/)
  assert.throws(() => new LoadWeights([1], { ceiling: 0.5 }), RangeError)
})
