import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isTraceparent } from './trace-context.ts'
import { newSpanId, randomBits, traceparentLine, traceparentText, type TraceBits } from './trace-ids.ts'

function drawn(bits = randomBits()): TraceBits {
  const [upper, lower, spanUpper, spanLower] = [randomBits(), randomBits(), randomBits(), randomBits()]
  return { bits, upper, lower, spanUpper, spanLower }
}

describe('ids of traces and spans', () => {
  it('are valid, and carry the bits that decide', () => {
    for (const bits of [0, 1, -1, 0x7fffffff, -0x80000000, 0x0badcafe]) {
      const ids = drawn(bits)
      const field = traceparentText(ids, 1)
      assert.ok(isTraceparent(field), field)
      assert.equal(field.slice(3 + 18, 3 + 26), (bits >>> 0).toString(16).padStart(8, '0'))
      assert.ok(field.endsWith('-01') && traceparentText(ids, 0).endsWith('-00'))
      assert.equal(traceparentLine(ids, 1).toString(), `traceparent: ${field}\r\n`)
    }
    assert.match(newSpanId(), /^[0-9a-f]{16}$/)
  })

  it('do not come twice', () => {
    const seen = new Set<string>()
    for (let i = 0; i < 20_000; i++) {
      const field = traceparentText(drawn(), 0)
      seen.add(field.slice(3, 35)).add(field.slice(36, 52)).add(newSpanId())
    }
    assert.equal(seen.size, 60_000)
  })

  it('have every bit set half of the time', () => {
    const draws = 20_000
    const ones = new Int32Array(32)
    for (let i = 0; i < draws; i++) {
      const bits = randomBits()
      for (let bit = 0; bit < 32; bit++) ones[bit]! += (bits >>> bit) & 1
    }
    // 6 standard deviations.
    for (const count of ones) assert.ok(Math.abs(count - draws / 2) < 3 * Math.sqrt(draws), `${count}`)
  })
})
