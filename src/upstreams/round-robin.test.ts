import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { RoundRobin } from './round-robin.ts'

it('is exact over every window of the sum of the weights', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 8 }), (weights) => {
      const sum = weights.reduce((a, b) => a + b, 0)
      const balancer = new RoundRobin(weights)
      if (sum === 0) return assert.equal(balancer.pick(), -1)
      const picks = Array.from({ length: sum * 3 }, () => balancer.pick())
      for (let start = 0; start <= sum * 2; start += sum) {
        const window = picks.slice(start, start + sum)
        weights.forEach((weight, i) => assert.equal(window.filter((pick) => pick === i).length, weight))
      }
    }),
  )
})

it('spreads the heavy one evenly', () => {
  const balancer = new RoundRobin([5, 1, 1])
  assert.deepEqual(
    Array.from({ length: 7 }, () => balancer.pick()),
    [0, 0, 1, 0, 2, 0, 0],
  )
})
