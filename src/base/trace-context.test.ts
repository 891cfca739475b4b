import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { HeaderList } from './headers.ts'
import {
  baggageValue,
  findTraceparent,
  flagsOf,
  isPassableBaggage,
  isTraceparent,
  passableTracestate,
  spanIdOf,
  traceIdOf,
} from './trace-context.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const SPAN = 'b7ad6b7169203331'
const GOOD = `00-${TRACE}-${SPAN}-01`

describe('traceparent', () => {
  // After the test suite of W3C (github.com/w3c/trace-context, test/test.py).
  const valid = [
    GOOD,
    `00-${TRACE}-${SPAN}-00`,
    `00-${TRACE}-${SPAN}-ff`,
    `cc-${TRACE}-${SPAN}-01`,
    `cc-${TRACE}-${SPAN}-01-what-the-future-will-be-like`,
    `fe-${TRACE}-${SPAN}-01-`,
  ]
  for (const field of valid) it(`takes ${field}`, () => assert.ok(isTraceparent(field)))

  const invalid: Readonly<Record<string, string>> = {
    empty: '',
    'version ff': `ff-${TRACE}-${SPAN}-01`,
    'version 00 with more behind it': `${GOOD}-what-the-future-will-be-like`,
    'version 00 with a dash behind it': `${GOOD}-`,
    'a later version with more and no dash': `cc-${TRACE}-${SPAN}-01.what`,
    'a later version that is too long': `cc-${TRACE}-${SPAN}-01-${'x'.repeat(512)}`,
    'version of one digit': `0-${TRACE}-${SPAN}-01`,
    'version that is no number': `.0-${TRACE}-${SPAN}-01`,
    'version in upper case': `0A-${TRACE}-${SPAN}-01`,
    'trace id of zeros': `00-${'0'.repeat(32)}-${SPAN}-01`,
    'trace id in upper case': `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    'trace id that is too short': `00-${TRACE.slice(1)}-${SPAN}-01`,
    'trace id that is too long': `00-${TRACE}0-${SPAN}-01`,
    'trace id with other characters': `00-.${TRACE.slice(1)}-${SPAN}-01`,
    'span id of zeros': `00-${TRACE}-${'0'.repeat(16)}-01`,
    'span id in upper case': `00-${TRACE}-${SPAN.toUpperCase()}-01`,
    'span id that is too short': `00-${TRACE}-${SPAN.slice(1)}-01`,
    'span id with other characters': `00-${TRACE}-${SPAN.slice(1)}.-01`,
    'flags of one digit': `00-${TRACE}-${SPAN}-1`,
    'flags of three digits': `00-${TRACE}-${SPAN}-001`,
    'flags that are no number': `00-${TRACE}-${SPAN}-.0`,
    'flags in upper case': `00-${TRACE}-${SPAN}-0A`,
    'other separators': GOOD.replaceAll('-', '_'),
    'bytes above ASCII': `00-${TRACE.slice(1)}\xb5-${SPAN}-01`,
  }
  for (const [what, field] of Object.entries(invalid)) it(`refuses ${what}`, () => assert.ok(!isTraceparent(field)))

  it('agrees with a plain expression on whatever it is given', () => {
    const plain = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/
    const edited = fc
      .tuple(fc.nat(GOOD.length - 1), fc.constantFrom('0', 'f', 'g', 'A', '-', ' ', ''))
      .map(([at, char]) => GOOD.slice(0, at) + char + GOOD.slice(at + 1))
    fc.assert(fc.property(edited, (field) => isTraceparent(field) === plain.test(field)))
  })

  it('is found only when it is there once', () => {
    const headers = new HeaderList()
    assert.equal(findTraceparent(headers), '')
    headers.push('traceparent', GOOD)
    assert.equal(findTraceparent(headers), GOOD)
    headers.push('traceparent', GOOD)
    assert.equal(findTraceparent(headers), '')
  })

  it('is taken apart', () => {
    assert.deepEqual([traceIdOf(GOOD), spanIdOf(GOOD), flagsOf(GOOD)], [TRACE, SPAN, 1])
    assert.equal(flagsOf(`00-${TRACE}-${SPAN}-0b`), 11)
    assert.deepEqual([traceIdOf(''), spanIdOf('')], ['', ''])
  })
})

describe('tracestate', () => {
  const same = ['', 'a=1', 'foo=1,bar=2', 'a-_*/9=1', '0fw@vendor=x', `a=${' '.repeat(3)}b`, `z${'a'.repeat(255)}=1`]
  for (const text of same) it(`keeps "${text.slice(0, 30)}"`, () => assert.equal(passableTracestate(text), text))

  it('makes several fields, and empty members, one list', () => {
    assert.equal(passableTracestate('foo=1 \t, ,,\tbar=2,'), 'foo=1,bar=2')
  })

  const dropped = [
    'foo',
    'foo=',
    '=1',
    'Foo=1',
    '1a=1',
    'foo=1,foo=2',
    'a@=1',
    '@b=1',
    'a@b@c=1',
    'foo=a=b',
    'foo=\x80',
  ]
  for (const text of dropped) it(`drops "${text}"`, () => assert.equal(passableTracestate(text), ''))
  it('drops keys and values that are too long', () => {
    assert.equal(passableTracestate(`z${'a'.repeat(256)}=1`), '')
    assert.equal(passableTracestate(`a@${'b'.repeat(15)}=1`), '')
    assert.equal(passableTracestate(`a=${'x'.repeat(257)}`), '')
  })

  const list = (count: number, value: string): string =>
    Array.from({ length: count }, (_, i) => `k${i}=${value}`).join(',')

  it('has 32 members at most', () => {
    assert.equal(passableTracestate(list(32, '1')), list(32, '1'))
    assert.equal(passableTracestate(list(33, '1')), '')
  })

  it('is shortened to 512 characters: long members first, then from the end', () => {
    const long = `long=${'x'.repeat(200)}`
    assert.equal(passableTracestate(`${long},${list(20, 'x'.repeat(20))}`), list(20, 'x'.repeat(20)))
    const shortened = passableTracestate(list(32, 'x'.repeat(20)))
    assert.ok(shortened.length <= 512 && list(32, 'x'.repeat(20)).startsWith(`${shortened},`), shortened)
  })

  it('is never longer, and passes a second time unchanged', () => {
    const member = fc
      .tuple(fc.stringMatching(/^[a-z][a-z0-9]{0,20}$/), fc.stringMatching(/^[!-+.-<>-~]{1,200}$/))
      .map(([key, value]) => `${key}=${value}`)
    fc.assert(
      fc.property(fc.array(member, { maxLength: 40 }), (members) => {
        const passed = passableTracestate(members.join(','))
        return passed.length <= 512 && passableTracestate(passed) === passed
      }),
    )
  })

  it('takes no time to speak of, whatever it is', () => {
    for (const hostile of ['a'.repeat(16_384), ','.repeat(16_384), ' '.repeat(16_384), `a=${' '.repeat(16_380)}b`]) {
      const start = performance.now()
      passableTracestate(hostile)
      assert.ok(performance.now() - start < 500)
    }
  })
})

describe('baggage', () => {
  const text = 'userId=alice,serverNode=DF%2028 ; isProduction=false;x, odd ,empty=,bad=%E0%A4%A,userId=bob'
  const values: readonly [string, string | null][] = [
    ['userId', 'alice'],
    ['serverNode', 'DF 28'],
    ['isProduction', null],
    ['odd', null],
    ['empty', ''],
    ['bad', '%E0%A4%A'],
    ['', null],
  ]
  for (const [name, value] of values) it(`reads "${name}"`, () => assert.equal(baggageValue(text, name), value))

  it('has 8192 bytes and 180 items at most', () => {
    const items = (count: number): string => Array.from({ length: count }, (_, i) => `k${i}=v`).join(',')
    assert.deepEqual([isPassableBaggage(items(180)), isPassableBaggage(items(181))], [true, false])
    const large = `a=${'x'.repeat(8190)}`
    assert.deepEqual([isPassableBaggage(large), isPassableBaggage(`${large}x`)], [true, false])
    assert.equal(baggageValue(`${large}x`, 'a'), null)
  })
})
