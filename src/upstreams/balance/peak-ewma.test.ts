import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { PeakEwma } from './peak-ewma.ts'

const near = (actual: number, expected: number): void => assert.ok(Math.abs(actual - expected) < 1e-6, `${actual}`)

it('knows nothing at first', () => {
  assert.equal(new PeakEwma().value(1e9), 0)
})

it('rises at once and falls with its time constant', () => {
  const ewma = new PeakEwma(10_000)
  ewma.observe(20, 1000)
  ewma.observe(500, 1000)
  assert.equal(ewma.value(1000), 500)
  near(ewma.value(11_000), 500 / Math.E)
  ewma.observe(20, 11_000)
  near(ewma.value(11_000), 500 / Math.E + 20 * (1 - 1 / Math.E))
})

it('is never below what was seen last, nor above the highest', () => {
  const seen = fc.tuple(fc.double({ min: 0.1, max: 1e5, noNaN: true }), fc.nat(20_000))
  fc.assert(
    fc.property(fc.array(seen, { minLength: 1 }), (observations) => {
      const ewma = new PeakEwma()
      let now = 0
      let highest = 0
      for (const [latency, passed] of observations) {
        now += passed
        ewma.observe(latency, now)
        highest = Math.max(highest, latency)
        const value = ewma.value(now)
        assert.ok(value >= latency * (1 - 1e-9) && value <= highest * (1 + 1e-9))
        // To ask changes nothing, and before that is not later.
        assert.equal(ewma.value(now - 5), value)
        assert.ok(ewma.value(now + 100) < value)
      }
    }),
  )
})

it('takes a reply in less than the clock can tell for one, and nonsense for none', () => {
  const ewma = new PeakEwma()
  for (const latency of [NaN, -1, Infinity]) ewma.observe(latency, 10)
  assert.equal(ewma.value(10), 0)
  ewma.observe(0, 10)
  assert.ok(ewma.value(10) > 0)
})
