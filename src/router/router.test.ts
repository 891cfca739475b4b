import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { HeaderList } from '../base/headers.ts'
import type { MatchConfig } from '../config/schema.ts'
import { METHOD_NOT_ALLOWED, NOT_FOUND, type Matchable, type RoutePattern } from '../contract/match.ts'
import { slowMatch } from '../../test/lab/slow-matcher.ts'
import { literalPrefix } from './path-regex.ts'
import { compileRouter } from './compile.ts'

function table(...matches: (MatchConfig & { priority?: number })[]): RoutePattern[] {
  return matches.map(({ priority = 0, ...match }, i) => ({ name: `r${i}`, match, priority }))
}

function request(line: string, fields: readonly string[] = []): Matchable {
  const headers = new HeaderList()
  headers.pushAll(fields)
  const [method = '', target = '', host = 'any'] = line.split(' ')
  const mark = target.indexOf('?')
  return {
    method,
    host,
    path: mark < 0 ? target : target.slice(0, mark),
    search: mark < 0 ? '' : target.slice(mark),
    headers,
    offsets: new Int32Array(32),
  }
}

function winner(routes: readonly RoutePattern[], line: string, headers: readonly string[] = []): number {
  return compileRouter(routes).match(request(line, headers))
}

describe('precedence', () => {
  const cases: [what: string, routes: RoutePattern[], line: string, expected: number][] = [
    ['exact host before wildcard before any', table({}, { host: '*.a.b' }, { host: 'x.a.b' }), 'GET / x.a.b', 2],
    ['the longer wildcard wins', table({ host: '*.b' }, { host: '*.a.b' }), 'GET / x.y.a.b', 1],
    ['a wildcard needs a label', table({ host: '*.a.b' }), 'GET / a.b', NOT_FOUND],
    ['a host without the path falls back to the next', table({ path: '/a' }, { host: 'h', path: '/b' }), 'GET /a h', 0],
    ['static before parameter', table({ path: '/{x}' }, { path: '/a' }), 'GET /a', 1],
    ['parameter before tail', table({ path: '/**' }, { path: '/{x}' }), 'GET /a', 1],
    ['segment by segment, not by count', table({ path: '/{x}/b' }, { path: '/a/{r*}' }), 'GET /a/b', 1],
    ['backtracks out of a static dead end', table({ path: '/a/b' }, { path: '/{x}/c' }), 'GET /a/c', 1],
    ['{rest*} before /**', table({ path: '/a/**' }, { path: '/a/{r*}' }), 'GET /a/b', 1],
    ['{rest*} is not empty', table({ path: '/a/{r*}' }), 'GET /a/', NOT_FOUND],
    ['/** takes the prefix itself', table({ path: '/a/**' }), 'GET /a', 0],
    ['/** takes the prefix with a slash', table({ path: '/a/**' }), 'GET /a/', 0],
    ['/** does not take a longer name', table({ path: '/a/**' }), 'GET /ab', NOT_FOUND],
    ['/* is one segment', table({ path: '/*' }), 'GET /a/b', NOT_FOUND],
    ['a parameter is not empty', table({ path: '/a/{x}' }), 'GET /a/', NOT_FOUND],
    ['a trailing slash counts', table({ path: '/a' }, { path: '/a/' }), 'GET /a/', 1],
    ['paths compare with case', table({ path: '/A' }), 'GET /a', NOT_FOUND],
    ['regex after parameters', table({ pathRegex: '/a+' }, { path: '/{x}' }), 'GET /aa', 1],
    ['regex before tails', table({ path: '/**' }, { pathRegex: '/a+' }), 'GET /aa', 1],
    ['a regex sits below its prefix', table({ path: '/api/**' }, { pathRegex: '^/api/v[0-9]+$' }), 'GET /api/v1', 1],
    ['a regex matches the whole path', table({ pathRegex: '/a' }), 'GET /ab', NOT_FOUND],
    ['more conditions first', table({ path: '/a' }, { path: '/a', headers: { k: 'v' } }), 'GET /a', 1],
    ['then priority', table({ path: '/a' }, { path: '/a', priority: 1 }), 'GET /a', 1],
    ['then order', table({ path: '/a' }, { path: '/a' }), 'GET /a', 0],
    ['HEAD goes to GET', table({ path: '/a', method: 'GET' }), 'HEAD /a', 0],
    [
      'unless a route takes HEAD',
      table({ path: '/a', method: 'GET', priority: 9 }, { path: '/a', method: 'HEAD' }),
      'HEAD /a',
      1,
    ],
    ['405 when only the method is wrong', table({ path: '/a', method: 'GET' }), 'POST /a', METHOD_NOT_ALLOWED],
    ['404 when a condition fails too', table({ path: '/a', method: 'GET', query: { q: '1' } }), 'POST /a', NOT_FOUND],
    ['an unknown method meets any', table({ path: '/a' }), 'PURGE /a', 0],
    ['query values are decoded', table({ query: { 'a b': 'ä+' } }), 'GET /?a+b=%C3%A4%2B', 0],
    ['any of repeated query values', table({ query: { a: '2' } }), 'GET /?a=1&a=2', 0],
    ['absence as a condition', table({ query: { a: { present: false } } }), 'GET /?a', NOT_FOUND],
  ]
  for (const [what, routes, line, expected] of cases) {
    it(what, () => assert.equal(winner(routes, line, ['k', 'v']), expected))
  }

  it('collects Allow from every host and place that would take the path', () => {
    const router = compileRouter(
      table(
        { path: '/a', method: ['PUT'] },
        { path: '/{x}', method: 'GET' },
        { host: 'h', path: '/**', method: 'DELETE' },
      ),
    )
    assert.equal(router.allow(request('POST /a h')), 'DELETE, GET, HEAD, PUT')
  })

  it('gives parameters as offsets', () => {
    const router = compileRouter(
      table({ path: '/u/{id}/f/{rest*}' }, { pathRegex: '^/v(?P<major>[0-9]+)/(?P<name>.*)$' }),
    )
    const x = request('GET /u/42/f/a/b')
    assert.equal(router.match(x), 0)
    assert.deepEqual(router.names(0), ['id', 'rest'])
    assert.deepEqual(
      [x.path.slice(x.offsets[0], x.offsets[1]), x.path.slice(x.offsets[2], x.offsets[3])],
      ['42', 'a/b'],
    )
    const y = request('GET /v12/x/y')
    assert.equal(router.match(y), 1)
    assert.deepEqual(router.names(1), ['major', 'name'])
    assert.deepEqual(
      [y.path.slice(y.offsets[0], y.offsets[1]), y.path.slice(y.offsets[2], y.offsets[3])],
      ['12', 'x/y'],
    )
  })
})

describe('literal prefix of an expression', () => {
  for (const [source, prefix] of [
    ['^/api/v[0-9]+/x$', ['api']],
    ['/a/b/c', ['a', 'b']],
    ['/a/b?', ['a']],
    ['/a/?', []],
    ['/a/b|/c/d', []],
    ['/a/(b|c)/d', ['a']],
    ['(?i)/a/b', []],
    ['/a\\.b/c', []],
    ['[/]a/b', []],
  ] as const) {
    it(`${source}: /${prefix.join('/')}`, () => assert.deepEqual(literalPrefix(source), prefix))
  }
})

describe('against the slow matcher', () => {
  const segment = fc.constantFrom('a', 'b', '{x}', '{y}', '*')
  const path = fc
    .tuple(fc.array(segment, { maxLength: 3 }), fc.constantFrom('', '', '/', '/**', '/{r*}'))
    .map(([segments, tail]) =>
      (segments.length === 0 && tail === '' ? '/' : '/' + segments.join('/') + tail).replace('//', '/'),
    )
    .filter((text) => new Set(text.match(/\{\w+/g)).size === (text.match(/\{\w+/g) ?? []).length)
  const value = fc.oneof(
    fc.constantFrom('1', '2'),
    fc.constantFrom({ regex: '[12]' }, { regex: '1|3' }, { present: true }, { present: false }),
  )
  const match: fc.Arbitrary<MatchConfig> = fc.record(
    {
      host: fc.constantFrom('h.a.b', 'a.b', '*.a.b', '*.b'),
      path,
      pathRegex: fc.constantFrom('/a/[ab]', '^/(a|b)$', '/a/.*', '/.*', '/b/a|/a', '/a/b?/?'),
      method: fc.constantFrom('GET', 'HEAD', ['POST', 'GET'], ['PUT'], ['HEAD', 'POST']),
      headers: fc.dictionary(fc.constantFrom('k', 'l'), value, { maxKeys: 2 }),
      query: fc.dictionary(fc.constantFrom('q', 'p'), value, { maxKeys: 2 }),
    },
    { requiredKeys: [] },
  )
  const routes = fc.array(
    fc
      .record({ match, priority: fc.constantFrom(0, 0, 0, 1, -1) })
      .map(({ match: { pathRegex, ...rest }, priority }) => ({
        match: pathRegex !== undefined && rest.path === undefined ? { ...rest, pathRegex } : rest,
        priority,
      })),
    { minLength: 1, maxLength: 14 },
  )
  const target = fc.record({
    method: fc.constantFrom('GET', 'HEAD', 'POST', 'PURGE'),
    host: fc.constantFrom('h.a.b', 'a.b', 'x.y.a.b', 'c'),
    path: fc
      .array(fc.constantFrom('a', 'b', 'c', ''), { minLength: 1, maxLength: 4 })
      .map((segments) => '/' + segments.join('/')),
    search: fc.constantFrom('', '?q=1', '?q=2&p=1', '?q=3&q=1', '?p'),
    headers: fc.constantFrom([], ['k', '1'], ['k', '3', 'l', '2', 'k', '2']),
  })

  it('agrees on 20,000 random tables and requests, and explain agrees with match', () => {
    fc.assert(
      fc.property(routes, fc.array(target, { minLength: 5, maxLength: 5 }), (drawn, targets) => {
        const patterns = drawn.map((route, i) => ({ ...route, name: `r${i}` })) as RoutePattern[]
        const router = compileRouter(patterns)
        for (const drawnTarget of targets) {
          const headers = new HeaderList()
          headers.pushAll(drawnTarget.headers)
          const x: Matchable = { ...drawnTarget, headers, offsets: new Int32Array(32) }
          const found = router.match(x)
          assert.equal(found, slowMatch(patterns, x))
          const candidates = router.explain(x)
          assert.equal(candidates.length, patterns.length)
          assert.equal(candidates.find(({ outcome }) => outcome === 'won')?.route ?? -1, Math.max(found, -1))
          if (found === METHOD_NOT_ALLOWED) assert.ok(candidates.some(({ outcome }) => outcome === 'method'))
          else if (found === NOT_FOUND)
            assert.ok(!candidates.some(({ outcome }) => outcome === 'method' || outcome === 'lost'))
        }
      }),
      { numRuns: 4000 },
    )
  })
})
