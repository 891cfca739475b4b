import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { ALL_UP_TO, LeastConnections } from './least-connections.ts'
import { RandomNumbers } from './random-numbers.ts'

const random = (): RandomNumbers => new RandomNumbers(Buffer.alloc(12, 7))

function candidates(inFlight: readonly number[], weights: readonly number[]) {
  return { loads: inFlight.map((each) => ({ inFlight: each, latency: 0 })), weights: Float64Array.from(weights) }
}

const pairs = (max: number): fc.Arbitrary<[number, number][]> =>
  fc.array(fc.tuple(fc.nat(20), fc.integer({ min: 0, max: 9 })), { minLength: 1, maxLength: max })

it('finds the smallest of few', () => {
  fc.assert(
    fc.property(pairs(ALL_UP_TO), fc.array(fc.nat(9)), (endpoints, later) => {
      const { loads, weights } = candidates(
        endpoints.map(([inFlight]) => inFlight),
        endpoints.map(([, weight]) => weight),
      )
      const balancer = new LeastConnections({ loads, weights }, random())
      const check = (): void => {
        const scores = loads.map(({ inFlight }, i) => (weights[i] === 0 ? Infinity : (inFlight + 1) / weights[i]!))
        const least = Math.min(...scores)
        const pick = balancer.pick()
        if (least === Infinity) return assert.equal(pick, -1)
        assert.ok(Math.abs(scores[pick]! - least) < 1e-9)
        loads[pick]!.inFlight++
      }
      for (let i = 0; i < 20; i++) check()
      weights.set(later.slice(0, weights.length))
      balancer.weightsChanged()
      for (let i = 0; i < 20; i++) check()
    }),
  )
})

it('fills up by weight: exactly, when nothing ends', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 8 }), (list) => {
      const { loads, weights } = candidates(
        list.map(() => 0),
        list,
      )
      const balancer = new LeastConnections({ loads, weights }, random())
      const sum = list.reduce((a, b) => a + b, 0)
      for (let i = 0; i < sum * 3; i++) loads[balancer.pick()]!.inFlight++
      assert.deepEqual(
        loads.map(({ inFlight }) => inFlight),
        list.map((weight) => weight * 3),
      )
    }),
  )
})

it('lets equal ones take turns', () => {
  const balancer = new LeastConnections(candidates([0, 0, 3, 0], [2, 2, 2, 2]), random())
  assert.deepEqual(
    Array.from({ length: 6 }, () => balancer.pick()),
    [0, 1, 3, 0, 1, 3],
  )
})

it('keeps many even too, and never picks one of weight 0', () => {
  const count = 200
  const { loads, weights } = candidates(
    Array.from({ length: count }, () => 0),
    Array.from({ length: count }, () => 1),
  )
  for (let i = 0; i < count; i += 5) weights[i] = 0
  const balancer = new LeastConnections({ loads, weights }, random())
  // 160 of them, 10 requests each.
  for (let i = 0; i < 1600; i++) loads[balancer.pick()]!.inFlight++
  loads.forEach(({ inFlight }, i) => assert.ok(weights[i] === 0 ? inFlight === 0 : inFlight >= 7 && inFlight <= 12))
})
