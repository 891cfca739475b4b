import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { RandomNumbers } from './random-numbers.ts'
import { WeightedRandom } from './random.ts'

const PICKS = 200_000

function sharesOf(balancer: WeightedRandom, count: number): number[] {
  const counts = Array.from({ length: count }, () => 0)
  for (let i = 0; i < PICKS; i++) counts[balancer.pick()]!++
  return counts.map((each) => each / PICKS)
}

function assertShares(shares: readonly number[], weights: ArrayLike<number>): void {
  const sum = Array.from(weights).reduce((a, b) => a + b, 0)
  shares.forEach((share, i) => {
    if (weights[i] === 0) assert.equal(share, 0)
    // Five standard deviations of a fair draw.
    const expected = weights[i]! / sum
    assert.ok(Math.abs(share - expected) <= 5 * Math.sqrt((expected * (1 - expected)) / PICKS), `${i}: ${share}`)
  })
}

it('picks each by its weight, and follows changes in place', () => {
  const weights = Float64Array.of(5, 0, 1, 3, 0.25, 60, 1)
  const balancer = new WeightedRandom({ loads: [], weights }, new RandomNumbers(Buffer.alloc(12, 3)))
  assertShares(sharesOf(balancer, weights.length), weights)
  weights.set([0, 2, 2, 0, 9, 0, 1.5])
  balancer.weightsChanged()
  assertShares(sharesOf(balancer, weights.length), weights)
})

it('never picks one of weight 0, whatever the others weigh', () => {
  const weight = fc.oneof(fc.constant(0), fc.double({ min: 1e-300, max: 1e300, noNaN: true }))
  fc.assert(
    fc.property(fc.array(weight, { maxLength: 30 }), fc.uint8Array({ minLength: 12, maxLength: 12 }), (list, seed) => {
      const weights = Float64Array.from(list)
      const balancer = new WeightedRandom({ loads: [], weights }, new RandomNumbers(Buffer.from(seed)))
      for (let i = 0; i < 100; i++) {
        const pick = balancer.pick()
        if (list.every((each) => each === 0)) assert.equal(pick, -1)
        else assert.ok(weights[pick]! > 0)
      }
    }),
  )
})
