import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { SortedTexts } from './sorted-texts.ts'

const key = fc.integer({ min: 0, max: 999 }).map((number) => `routes/${number}`)
const changes = fc
  .array(fc.tuple(key, fc.oneof(fc.constant(null), fc.constantFrom('a', 'b', 'c'))), { maxLength: 300 })
  .map((entries) => new Map(entries))

function apply(map: ReadonlyMap<string, string>, some: ReadonlyMap<string, string | null>): Map<string, string> {
  const result = new Map(map)
  for (const [name, text] of some) {
    if (text === null) result.delete(name)
    else result.set(name, text)
  }
  return result
}

function sorted(map: ReadonlyMap<string, string>): [string, string][] {
  return [...map].toSorted(([a], [b]) => (a < b ? -1 : 1))
}

describe('sorted texts', () => {
  it('are what a map would be, in order, after any changes; older ones stay as they were', () => {
    fc.assert(
      fc.property(fc.array(changes, { maxLength: 12 }), (steps) => {
        let texts = SortedTexts.EMPTY
        let map: ReadonlyMap<string, string> = new Map()
        const before: [SortedTexts, ReadonlyMap<string, string>][] = []
        for (const step of steps) {
          before.push([texts, map])
          texts = texts.with(step)
          map = apply(map, step)
          assert.deepEqual([...texts], sorted(map))
          assert.equal(texts.size, map.size)
        }
        for (const [old, oldMap] of before) {
          assert.deepEqual([...old], sorted(oldMap))
          assert.deepEqual(sorted(apply(oldMap, texts.changesSince(old))), sorted(map))
          assert.ok(old.with(texts.changesSince(old)).equals(texts))
        }
        for (let i = 0; i < 1000; i++) assert.equal(texts.get(`routes/${i}`), map.get(`routes/${i}`))
      }),
      { numRuns: 60 },
    )
  })

  it('are the same object when nothing is different', () => {
    const texts = SortedTexts.from([
      ['b', '2'],
      ['a', '1'],
    ])
    assert.equal(SortedTexts.from(texts), texts)
    assert.equal(
      texts.with(
        new Map([
          ['a', '1'],
          ['c', null],
        ]),
      ),
      texts,
    )
    assert.equal(texts.changesSince(texts).size, 0)
  })

  it('have all that a map has to read', () => {
    const texts = SortedTexts.from(new Map([['a', '1']]))
    const seen: unknown[] = []
    texts.forEach((text, name, map) => seen.push(text, name, map === texts))
    assert.deepEqual(seen, ['1', 'a', true])
    assert.deepEqual(
      [[...texts.keys()], [...texts.values()], texts.has('a'), texts.has('')],
      [['a'], ['1'], true, false],
    )
  })
})
