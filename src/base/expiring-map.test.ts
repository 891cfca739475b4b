import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ExpiringMap } from './expiring-map.ts'

describe('ExpiringMap', () => {
  it('keeps a value until its time is up', () => {
    let time = 0
    const map = new ExpiringMap<number>(10, () => time)
    map.set('a', 1, 100)
    time = 99
    assert.equal(map.get('a'), 1)
    time = 100
    assert.equal(map.get('a'), undefined)
    assert.equal(map.size, 0)
  })

  it('keeps nothing for no time', () => {
    const map = new ExpiringMap<number>(10, () => 0)
    map.set('a', 1, 10)
    map.set('a', 2, 0)
    assert.equal(map.get('a'), undefined)
  })

  it('lets the entry that was set first make room', () => {
    const map = new ExpiringMap<number>(2, () => 0)
    map.set('a', 1, 10)
    map.set('b', 2, 10)
    map.set('a', 3, 10)
    map.set('c', 4, 10)
    assert.deepEqual([map.get('a'), map.get('b'), map.get('c'), map.size], [3, undefined, 4, 2])
    map.clear()
    assert.equal(map.size, 0)
  })

  it('refuses to be of no size', () => {
    assert.throws(() => new ExpiringMap(0), RangeError)
  })
})
