import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { Thresholds } from './thresholds.ts'

it('changes after so many results in a row that say otherwise, and at the first of all', () => {
  const results = fc.array(fc.boolean(), { maxLength: 60 })
  const needed = fc.integer({ min: 1, max: 4 })
  fc.assert(
    fc.property(results, needed, needed, (of, toHealthy, toUnhealthy) => {
      const thresholds = new Thresholds(toHealthy, toUnhealthy)
      let healthy = true
      of.forEach((passed, i) => {
        const last = of.slice(0, i + 1)
        const enough = i === 0 ? 1 : healthy ? toUnhealthy : toHealthy
        const tail = last.slice(-enough)
        const changes = tail.length === enough && tail.every((each) => each !== healthy)
        assert.equal(thresholds.observe(passed), changes)
        if (changes) healthy = !healthy
        assert.equal(thresholds.healthy, healthy)
      })
    }),
  )
})
