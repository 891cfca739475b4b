import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { claimAt, claimPath } from './claim.ts'

describe('claims', () => {
  const claims = { sub: 'a', realm: { roles: ['x'], nothing: null }, 'https://e.com/r': 1, 'a.b': 2, a: { b: 3 } }

  it('are found by path, the whole name first', () => {
    for (const [path, value] of [
      ['sub', 'a'],
      ['realm.roles', ['x']],
      ['realm.nothing', null],
      ['https://e.com/r', 1],
      ['a.b', 2],
    ] as const) {
      assert.deepEqual(claimAt(claims, claimPath(path)), value)
    }
  })

  it('are not what the object inherits, nor inside of texts and lists', () => {
    for (const path of ['constructor', '__proto__', 'sub.length', 'realm.roles.0', 'realm.roles.length', 'no.such']) {
      assert.equal(claimAt(claims, claimPath(path)), undefined, path)
    }
    assert.equal(claimAt(null, claimPath('sub')), undefined)
  })

  it('have no empty part', () => {
    for (const path of ['', '.', 'a.', '.a', 'a..b']) assert.throws(() => claimPath(path), TypeError)
  })
})
