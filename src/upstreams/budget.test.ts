import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Budget } from './budget.ts'

describe('a budget', () => {
  it('never gives more than its share of the last ten seconds, and one a second', () => {
    const step = fc.record({ wait: fc.integer({ min: 0, max: 4000 }), requests: fc.nat(40), wanted: fc.nat(60) })
    fc.assert(
      fc.property(fc.double({ min: 0.01, max: 1, noNaN: true }), fc.array(step, { maxLength: 60 }), (share, steps) => {
        let time = 0
        const budget = new Budget(share, () => time)
        const requested: number[] = []
        const taken: number[] = []
        for (const { wait, requests, wanted } of steps) {
          time += wait
          for (let i = 0; i < requests; i++) {
            budget.requested()
            requested.push(time)
          }
          for (let i = 0; i < wanted; i++) if (budget.take()) taken.push(time)
          const within = (times: number[], ms: number): number => times.filter((at) => at > time - ms).length
          // Only when it gives: requests are forgotten before what they allowed, which came later.
          if (taken.at(-1) !== time) continue
          // The window is nine to ten seconds long: what it forgot is not counted, what it may have forgotten is.
          assert.ok(within(taken, 9000) <= share * within(requested, 10_001) + 11)
        }
      }),
    )
  })

  it('of nothing allows nothing', () => {
    const budget = new Budget(0, () => 0)
    for (let i = 0; i < 1000; i++) budget.requested()
    assert.equal(budget.take(), false)
  })

  it('lets a quiet service try again', () => {
    const budget = new Budget(0.2, () => 0)
    budget.requested()
    assert.equal(budget.take(), true)
  })
})
