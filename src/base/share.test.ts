import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ALL_POINTS, randomPoint, sharePoints } from './share.ts'

describe('shares', () => {
  it('are points of ten thousand', () => {
    for (const [text, points] of [
      ['0%', 0],
      ['0.01%', 1],
      ['0.29%', 29],
      ['10%', 1000],
      ['12.5%', 1250],
      ['99.99%', 9999],
      ['100%', ALL_POINTS],
    ] as const) {
      assert.equal(sharePoints(text), points)
    }
  })

  it('have one form', () => {
    for (const text of ['', '%', '10', '101%', '-1%', '1.234%', '1e1%', '100.5%', ' 1%']) {
      assert.throws(() => sharePoints(text), TypeError)
    }
  })

  it('are never reached by a random point beyond the whole', () => {
    for (let i = 0; i < 10_000; i++) {
      const point = randomPoint()
      assert.ok(Number.isInteger(point) && point >= 0 && point < ALL_POINTS)
    }
  })
})
