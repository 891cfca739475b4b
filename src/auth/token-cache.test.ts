import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { RefusedTokens } from './refused-tokens.ts'
import { MALFORMED } from './refusal.ts'
import { TokenCache, TokenEntry } from './token-cache.ts'

const ALWAYS = { expires: Infinity, notBefore: -Infinity, issued: -Infinity }
/** Some of them have the same tail. */
const TEXTS = ['aXXXXXXXXXXXX', 'bXXXXXXXXXXXX', 'cXXXXXXXXXXXX', 'dYYYYYYYYYYYY', 'eYYYYYYYYYYYY', '', 'f']

function entry(text: string, until = Infinity): TokenEntry<null> {
  return new TokenEntry(text, {}, null, ALWAYS, until)
}

describe('the cache of accepted tokens', () => {
  it('does what a list in order of use does', () => {
    const step = fc.record({ add: fc.boolean(), text: fc.constantFrom(...TEXTS) })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.array(step, { maxLength: 60 }), (capacity, steps) => {
        const cache = new TokenCache<null>(capacity)
        let model: string[] = [] // oldest first
        for (const { add, text } of steps) {
          const known = model.includes(text)
          if (!add) assert.equal(cache.find(text, 0)?.text, known ? text : undefined)
          if (add || known) model = [...model.filter((each) => each !== text), text].slice(-capacity)
          if (add) cache.add(entry(text))
          assert.equal(cache.size, model.length)
        }
        for (const text of TEXTS) assert.equal(cache.find(text, 0) !== null, model.includes(text))
      }),
    )
  })

  it('forgets an entry when its time has come', () => {
    const cache = new TokenCache<null>(2)
    cache.add(entry('a', 10))
    assert.ok(cache.find('a', 9) !== null)
    assert.equal(cache.find('a', 10), null)
    assert.equal(cache.size, 0)
  })

  it('forgets everything at once', () => {
    const cache = new TokenCache<null>(3)
    for (const text of TEXTS) cache.add(entry(text))
    cache.clear()
    assert.deepEqual([cache.size, ...TEXTS.map((text) => cache.find(text, 0))], [0, ...TEXTS.map(() => null)])
    for (const text of TEXTS) cache.add(entry(text))
    assert.equal(cache.size, 3)
  })
})

describe('the cache of refused tokens', () => {
  it('is bounded, first in, first out, and forgets in time', () => {
    const cache = new RefusedTokens(2)
    for (const text of ['a', 'b', 'c']) cache.add(text, MALFORMED, 10)
    assert.equal(cache.size, 2)
    assert.deepEqual(
      ['a', 'b', 'c'].map((text) => cache.find(text, 9)),
      [null, MALFORMED, MALFORMED],
    )
    assert.equal(cache.find('b', 10), null)
    assert.equal(cache.size, 1)
  })
})
