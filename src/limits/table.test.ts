import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LimitTable } from './table.ts'

const owes = (first: number): number => first

/** Counts in the first number. */
function add(table: LimitTable, key: string, amount = 1): number {
  const at = table.find(key, 0)
  return (table.states[at] = table.states[at]! + amount)
}

describe('LimitTable', () => {
  it('keeps the states of a hundred thousand keys apart while it grows', () => {
    const table = new LimitTable(100_000, owes)
    for (let round = 1; round <= 2; round++) {
      for (let i = 0; i < 100_000; i++) add(table, `key-${i}`, i)
    }
    let kept = 0
    for (let i = 1; i < 100_000; i++) if (add(table, `key-${i}`, 0) === 2 * i) kept++
    // A few sets are unlucky, and each key that comes back to one is counted as evicting another.
    assert.ok(kept > 98_000, `${kept} kept, ${table.evicted} evicted`)
    assert.ok(table.keys <= 100_000)
  })

  it('stays within 64 MiB with a million keys, however many come', () => {
    const table = new LimitTable(1_000_000, owes)
    for (let i = 0; i < 3_000_000; i++) add(table, String(i))
    assert.ok(table.bytes <= 64 * 1024 * 1024, `${table.bytes} bytes`)
  })

  it('keeps what owes more when keys of one event flood it', () => {
    const table = new LimitTable(1000, owes)
    for (let i = 0; i < 100; i++) add(table, `limited-${i}`, 50)
    for (let i = 0; i < 1_000_000; i++) add(table, `random-${i}`)
    for (let i = 0; i < 100; i++) assert.equal(add(table, `limited-${i}`, 0), 50)
    assert.ok(table.evicted > 900_000)
  })

  it('forgets what owes nothing without counting it as lost', () => {
    const table = new LimitTable(1000, () => 0)
    for (let i = 0; i < 100_000; i++) add(table, String(i))
    assert.equal(table.evicted, 0)
  })

  it('takes any text for a key', () => {
    const table = new LimitTable(1000, owes)
    const keys = [
      '',
      '\0',
      '\0\0',
      'a',
      'a\0',
      'aa',
      'b',
      '\u{1f600}',
      '\ud83d',
      'x'.repeat(100_000),
      'x'.repeat(100_001),
    ]
    for (const [i, key] of keys.entries()) assert.equal(add(table, key, i + 1), i + 1)
    for (const [i, key] of keys.entries()) assert.equal(add(table, key, 0), i + 1)
  })
})
