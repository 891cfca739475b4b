import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { appendPieces, diffSequence, slicePieces } from './sequence.ts'

describe('the difference of two lists', () => {
  const entries = Array.from({ length: 40 }, (_, i) => ({ i }))
  const again = (base: readonly unknown[], next: readonly unknown[], most = 1000): unknown[] => {
    const list: unknown[] = []
    for (const slice of slicePieces(diffSequence(base, next), most)) appendPieces(list, base, slice)
    return list
  }

  it('is one run for equal lists, and nothing for empty ones', () => {
    assert.deepEqual(diffSequence(entries, [...entries]), [{ from: 0, count: 40 }])
    assert.deepEqual(diffSequence([], []), [])
  })

  it('is small for a small change', () => {
    const changed = entries.with(20, { i: -1 })
    assert.deepEqual(diffSequence(entries, changed), [
      { from: 0, count: 20 },
      { add: [{ i: -1 }] },
      { from: 21, count: 19 },
    ])
    assert.equal(diffSequence(entries, [...entries, { i: 41 }]).length, 2)
    assert.deepEqual(diffSequence(entries, entries.slice(1)), [{ from: 1, count: 39 }])
  })

  it('makes the next list of the base, whatever has changed', () => {
    let seed = 7
    const random = (below: number): number => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) % below
    for (let round = 0; round < 500; round++) {
      const base = Array.from({ length: random(12) }, () => entries[random(15)]!)
      const next = Array.from({ length: random(12) }, () => (random(4) === 0 ? { i: -1 } : entries[random(15)]!))
      const made = again(base, next, 1 + random(4))
      assert.equal(made.length, next.length)
      assert.ok(made.every((entry, i) => entry === next[i]))
    }
  })

  it('comes in parts that add no more than was said', () => {
    const slices = [...slicePieces(diffSequence([], entries), 16)]
    assert.deepEqual(
      slices.map((slice) => slice.map((piece) => ('add' in piece ? piece.add.length : 0))),
      [[16], [16], [8]],
    )
  })
})
