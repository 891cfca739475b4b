import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { placesBefore } from './places-before.ts'

describe('places before', () => {
  it('are those of the same entries, each once, and all of them where entries are told apart', () => {
    const list = fc.array(fc.nat(9), { maxLength: 12 })
    fc.assert(
      fc.property(list, list, (before, after) => {
        const places = [...placesBefore(before, after)]
        const found = places.filter((place) => place >= 0)
        assert.equal(new Set(found).size, found.length)
        for (const [i, place] of places.entries()) if (place >= 0) assert.equal(before[place], after[i])
        if (new Set(before).size < before.length || new Set(after).size < after.length) return
        for (const [i, place] of places.entries()) assert.equal(place, before.indexOf(after[i]!))
      }),
    )
  })
})
