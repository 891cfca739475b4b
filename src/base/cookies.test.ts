import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { cookieValue } from './cookies.ts'
import { queryValue } from './query.ts'

describe('cookieValue', () => {
  const cases: readonly [field: string, name: string, value: string | null][] = [
    ['a=1', 'a', '1'],
    ['a=1; b=2', 'b', '2'],
    ['a=1;b=2', 'b', '2'],
    ['a=1;\tb=2 ; c=3', 'b', '2'],
    ['a="quoted"', 'a', 'quoted'],
    ['a="', 'a', '"'],
    ['a=b=c', 'a', 'b=c'],
    ['a=', 'a', ''],
    ['ab=1; b=2', 'b', '2'],
    ['a=1; a=2', 'a', '1'],
    ['a', 'a', null],
    ['a; b=2', 'a', null],
    ['b', 'b=2', null],
    ['A=1', 'a', null],
    ['', 'a', null],
    [';;=;', 'a', null],
  ]
  for (const [field, name, value] of cases) {
    it(`${JSON.stringify(field)} has ${name}: ${JSON.stringify(value)}`, () =>
      assert.equal(cookieValue(field, name), value))
  }
})

describe('queryValue', () => {
  const cases: readonly [search: string, name: string, value: string | null][] = [
    ['?a=1', 'a', '1'],
    ['?a=1&a=2', 'a', '1'],
    ['?b=&a', 'a', ''],
    ['?a+b=c+d', 'a b', 'c d'],
    ['?%61=%62', 'a', 'b'],
    ['?a=%zz', 'a', '%zz'],
    ['?ab=1', 'a', null],
    ['?', 'a', null],
    ['', 'a', null],
  ]
  for (const [search, name, value] of cases) {
    it(`${JSON.stringify(search)} has ${name}: ${JSON.stringify(value)}`, () =>
      assert.equal(queryValue(search, name), value))
  }
})
