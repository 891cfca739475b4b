import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { canonicalPath, canonicalPathProblem, type PathRules } from './canonical-path.ts'

const CASES: readonly [raw: string, canonical: string][] = [
  ['/', '/'],
  ['/a/b', '/a/b'],
  ['/a/b/', '/a/b/'],
  ['/%61%2D%7e', '/a-~'],
  ['/%C3%A4', '/%C3%A4'],
  ['/%c3%a4/%e2%82%ac/%f0%9f%98%80', '/%C3%A4/%E2%82%AC/%F0%9F%98%80'],
  ['/a//b///c', '/a/b/c'],
  ['//', '/'],
  ['/a/./b/.', '/a/b/'],
  ['/a/b/../c', '/a/c'],
  ['/a/b/..', '/a/'],
  ['/a/..', '/'],
  ['/a/%2e%2E/b', '/b'],
  ['/a/.../b', '/a/.../b'],
  ['/.hidden', '/.hidden'],
  ['/a/..b', '/a/..b'],
  ['/%252e%252e/', '/%252e%252e/'],
  ['/%3f%23', '/%3F%23'],
  ["/a;b=c:@!$&'()*+,=", "/a;b=c:@!$&'()*+,="],
]

const REFUSED: readonly [raw: string, rule: PathRules, relaxed: string | null][] = [
  ['/a%2fb', { encodedSlash: 'keep' }, '/a%2Fb'],
  ['/a\\b', { backslash: 'keep' }, '/a\\b'],
  ['/a%5cb', { backslash: 'keep' }, '/a%5Cb'],
  ['/a%00', { nul: 'keep' }, '/a%00'],
  ['/%c0%af', { invalidUtf8: 'keep' }, '/%C0%AF'],
  ['/%c0%ae%c0%ae/', { invalidUtf8: 'keep' }, '/%C0%AE%C0%AE/'],
  ['/%e0%80%af', { invalidUtf8: 'keep' }, '/%E0%80%AF'],
  ['/%ed%a0%80', { invalidUtf8: 'keep' }, '/%ED%A0%80'],
  ['/%f4%90%80%80', { invalidUtf8: 'keep' }, '/%F4%90%80%80'],
  ['/%ff', { invalidUtf8: 'keep' }, '/%FF'],
  ['/%c3', { invalidUtf8: 'keep' }, '/%C3'],
  ['/../a', { aboveRoot: 'clamp' }, '/a'],
  ['/a/%2e%2e/../b', { aboveRoot: 'clamp' }, '/b'],
  ['/%', {}, null],
  ['/%g0', {}, null],
  ['/%4', {}, null],
  ['/a#b', {}, null],
  ['/a b', {}, null],
  ['/a\tb', {}, null],
  ['/\x7f', {}, null],
  ['/ä', {}, null],
  ['a', {}, null],
  ['', {}, null],
  ['*', {}, null],
]

describe('canonical path', () => {
  for (const [raw, canonical] of CASES) {
    it(`${raw} is ${canonical}`, () => assert.equal(canonicalPath(raw, {}), canonical))
  }

  for (const [raw, rules, relaxed] of REFUSED) {
    it(`${JSON.stringify(raw)} is refused${relaxed === null ? '' : ', unless relaxed'}`, () => {
      assert.equal(canonicalPath(raw, {}), '')
      assert.notEqual(canonicalPathProblem(raw, {}), '')
      if (relaxed !== null) assert.equal(canonicalPath(raw, rules), relaxed)
    })
  }

  it('gives the same string when nothing is to do', () => {
    const raw = ['', 'users', '42', 'files'].join('/')
    assert.equal(canonicalPath(raw, {}), raw)
  })

  const piece = fc.constantFrom(
    '/',
    '.',
    '..',
    '%2e',
    '%2E',
    '%2f',
    '%5c',
    '%41',
    '%c3%a4',
    '%e2',
    'a',
    'B',
    '~',
    '%25',
    '%',
    '//',
  )

  it('is idempotent, agrees with its explanation, and leaves no dot segment', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const raw = '/' + pieces.join('')
        const canonical = canonicalPath(raw, {})
        assert.equal(canonical === '', canonicalPathProblem(raw, {}) !== '')
        if (canonical === '') return
        assert.equal(canonicalPath(canonical, {}), canonical)
        assert.ok(!canonical.includes('//'), canonical)
        assert.ok(!canonical.split('/').some((segment) => segment === '.' || segment === '..'), canonical)
      }),
      { numRuns: 5000 },
    )
  })

  it('never throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.boolean(), (raw, relaxed) => {
        const rules: PathRules = relaxed
          ? { encodedSlash: 'keep', backslash: 'keep', nul: 'keep', invalidUtf8: 'keep', aboveRoot: 'clamp' }
          : {}
        canonicalPath('/' + raw, rules)
        canonicalPathProblem('/' + raw, rules)
      }),
      { numRuns: 2000 },
    )
  })
})
