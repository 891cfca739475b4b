import assert from 'node:assert/strict'
import { it } from 'node:test'
import { ramp } from './slow-start.ts'

it('grows from a tenth to the whole, evenly', () => {
  assert.equal(ramp(0, 30_000), 0.1)
  assert.equal(ramp(15_000, 30_000), 0.55)
  assert.equal(ramp(30_000, 30_000), 1)
  assert.equal(ramp(1e12, 30_000), 1)
  for (let since = 0; since < 30_000; since += 100) assert.ok(ramp(since + 100, 30_000) > ramp(since, 30_000))
})

it('is over at once without a duration, and begins at a tenth when the clock goes back', () => {
  assert.equal(ramp(0, 0), 1)
  assert.equal(ramp(-5, 1000), 0.1)
})
