import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { hashOf } from './hash-of.ts'

const KNOWN = ['ebb6c228', '7fa09ea6', '3ccfd92d', '83396c7f']

function bits(value: number): number {
  let count = 0
  for (let rest = value >>> 0; rest !== 0; rest &= rest - 1) count++
  return count
}

it('is a number of 32 bits without sign, the same for the same text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const hash = hashOf(text)
      assert.ok(Number.isInteger(hash) && hash >= 0 && hash < 2 ** 32)
      assert.equal(hashOf(`x${text}`.slice(1)), hash)
    }),
  )
})

// Gateways of different versions, side by side, must agree on it.
it('stays what it is', () => {
  assert.deepEqual(
    [hashOf(''), hashOf('a'), hashOf('session-1'), hashOf('käse')].map((hash) => hash.toString(16)),
    KNOWN,
  )
})
it('changes half of the bits with each bit of the text', () => {
  let changed = 0
  let compared = 0
  for (let i = 0; i < 2000; i++) {
    const text = `key-${i * 7919}`
    for (let at = 0; at < text.length; at++) {
      const other = text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ (1 << (i % 7))) + text.slice(at + 1)
      changed += bits(hashOf(text) ^ hashOf(other))
      compared += 32
    }
  }
  assert.ok(Math.abs(changed / compared - 0.5) < 0.01, `${changed / compared}`)
})

it('tells short, similar, and padded texts apart', () => {
  const texts = ['', '\0', '\0\0', '\0\0\0', 'a', 'a\0', 'a\0\0', '\0a', 'ab', 'ba']
  assert.equal(new Set(texts.map(hashOf)).size, texts.length)
  const seen = new Set<number>()
  for (let i = 0; i < 100_000; i++) seen.add(hashOf(`${i}`))
  // Of so many numbers of 32 bits 1.2 pairs are equal by chance.
  assert.ok(seen.size > 99_990)
})

it('spreads counted texts evenly', () => {
  const buckets = new Uint32Array(256)
  for (let i = 0; i < 256_000; i++) buckets[hashOf(`user:${i}`) >>> 24]!++
  // Chi-squared with 255 degrees of freedom: above 380 with a likelihood of 1 in a million.
  assert.ok(buckets.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0) < 380)
})
