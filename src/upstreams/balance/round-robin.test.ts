import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { RoundRobin } from './round-robin.ts'

const wholeWeights = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 9 })
const anyWeights = fc.array(fc.oneof(fc.constant(0), fc.double({ min: 1e-4, max: 70_000, noNaN: true })), {
  minLength: 1,
  maxLength: 20,
})

function picksOf(balancer: RoundRobin, count: number): number[] {
  return Array.from({ length: count }, () => balancer.pick())
}

function total(weights: Iterable<number>): number {
  let sum = 0
  for (const weight of weights) sum += weight
  return sum
}

/** Every window, wherever it begins. */
function assertExact(picks: readonly number[], weights: readonly number[]): void {
  const sum = total(weights)
  for (let start = 0; start + sum <= picks.length; start++) {
    const counts = weights.map(() => 0)
    for (const pick of picks.slice(start, start + sum)) counts[pick]!++
    assert.deepEqual(counts, weights)
  }
}

it('is exact over every window of the sum of the weights', () => {
  fc.assert(
    fc.property(wholeWeights, (weights) => {
      const balancer = RoundRobin.of(weights)
      if (total(weights) === 0) return assert.equal(balancer.pick(), -1)
      assertExact(picksOf(balancer, total(weights) * 4), weights)
    }),
  )
})

it('stays exact for a long time, with weights that no number divides', () => {
  const weights = [65_535, 65_521, 7, 3, 1, 49]
  const balancer = RoundRobin.of(weights)
  picksOf(balancer, total(weights) * 5)
  const counts = weights.map(() => 0)
  for (const pick of picksOf(balancer, total(weights))) counts[pick]!++
  assert.deepEqual(counts, weights)
})

it('is exact at once after weights change in place, and changes do not favour anyone', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(wholeWeights, fc.nat(40)), { minLength: 2, maxLength: 5 }), (changes) => {
      const weights = new Float64Array(9)
      const balancer = new RoundRobin({ weights })
      for (const [next, before] of changes) {
        weights.fill(0)
        weights.set(next)
        balancer.weightsChanged()
        if (total(next) === 0) assert.equal(balancer.pick(), -1)
        else assertExact(picksOf(balancer, before + total(next) * 2), [...weights])
      }
    }),
  )
  // A balancer that began anew with each change would always pick the first.
  const weights = new Float64Array(50).fill(1)
  const balancer = new RoundRobin({ weights })
  const counts = new Uint32Array(50)
  for (let i = 0; i < 5000; i++) {
    weights.fill(1 + (i % 3))
    balancer.weightsChanged()
    counts[balancer.pick()]!++
  }
  assert.ok(
    counts.every((count) => count >= 98 && count <= 102),
    counts.join(' '),
  )
})

it('never strays further than two requests from a fair share, whatever the weights', () => {
  fc.assert(
    fc.property(anyWeights, (weights) => {
      const balancer = RoundRobin.of(weights)
      const sum = total(weights)
      const counts = weights.map(() => 0)
      for (let picks = 1; picks <= 300; picks++) {
        const pick = balancer.pick()
        if (sum === 0) return assert.equal(pick, -1)
        assert.ok(weights[pick]! > 0)
        counts[pick]!++
        if (weights.length > 4) continue
        weights.forEach((weight, i) => assert.ok(Math.abs(counts[i]! - (picks * weight) / sum) < 2))
      }
    }),
  )
})

it('takes turns in order, and spreads the heavy one evenly', () => {
  assert.deepEqual(picksOf(RoundRobin.of([1, 1, 1]), 6), [0, 1, 2, 0, 1, 2])
  assert.deepEqual(picksOf(RoundRobin.of([5, 1, 1]), 7), [0, 0, 1, 0, 0, 2, 0])
})

it('has nothing to pick from no candidates, and always the same from one', () => {
  assert.equal(RoundRobin.of([]).pick(), -1)
  assert.equal(RoundRobin.of([0]).pick(), -1)
  assert.deepEqual(picksOf(RoundRobin.of([Number.MIN_VALUE]), 3), [0, 0, 0])
  assert.equal(RoundRobin.of([Number.NaN, -1]).pick(), -1)
})
