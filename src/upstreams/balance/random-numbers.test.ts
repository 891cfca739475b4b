import assert from 'node:assert/strict'
import { it } from 'node:test'
import { RandomNumbers } from './random-numbers.ts'

it('gives the same numbers for the same seed, others for another, and by default new ones', () => {
  const some = (numbers: RandomNumbers): number[] => Array.from({ length: 8 }, () => numbers.bits())
  const seeded = (byte: number): number[] => some(new RandomNumbers(Buffer.alloc(12, byte)))
  assert.deepEqual(seeded(1), seeded(1))
  assert.notDeepEqual(seeded(1), seeded(2))
  assert.notDeepEqual(some(new RandomNumbers()), some(new RandomNumbers()))
})

it('draws all numbers below a bound equally often, and pairs as well', () => {
  for (const byte of [0, 1, 255]) {
    const numbers = new RandomNumbers(Buffer.alloc(12, byte))
    const pairs = new Uint32Array(100)
    for (let i = 0; i < 100_000; i++) pairs[numbers.below(10) * 10 + numbers.below(10)]!++
    // Chi-squared with 99 degrees of freedom: above 180 with a likelihood of 1 in a million.
    const chi = pairs.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0)
    assert.ok(chi < 180, `${chi}`)
  }
})
