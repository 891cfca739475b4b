import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { RoutePattern } from '../contract/match.ts'
import { askFor, edited, edits, route, target, type Target } from '../../test/lab/route-patterns.ts'
import { compileRouter } from './compile.ts'
import type { Router } from './router.ts'

let names = 0
const pattern: fc.Arbitrary<RoutePattern> = route.map((each) => ({ ...each, name: `r${names++}` }))

/** All that a router says of the requests. */
function answers(router: Router, targets: readonly Target[]): unknown {
  const ofRequests = targets.map((each) => {
    const x = askFor(each)
    const found = router.match(x)
    const offsets = found < 0 ? [] : Array.from(x.offsets.subarray(0, router.names(found).length * 2))
    return { found, offsets, allow: router.allow(x), explained: router.explain(x) }
  })
  return [router.order(), ofRequests]
}

describe('a router that follows another', () => {
  it('is as one that is made from nothing, and leaves those before as they were', () => {
    const targets = fc.array(target, { minLength: 4, maxLength: 8 })
    fc.assert(
      fc.property(fc.array(pattern, { maxLength: 20 }), edits(pattern), targets, (first, changes, asked) => {
        let patterns: readonly RoutePattern[] = first
        let router = compileRouter(patterns)
        const made: [Router, unknown][] = [[router, answers(router, asked)]]
        for (const change of changes) {
          patterns = edited(patterns, change)
          // What is made beside it, and thrown away, leaves no trace either.
          compileRouter(edited(patterns, { kind: 'remove', at: 0, count: 2 }), router)
          router = compileRouter(patterns, router)
          const anew = answers(compileRouter(patterns), asked)
          assert.deepEqual(answers(router, asked), anew)
          made.push([router, anew])
        }
        for (const [each, expected] of made) assert.deepEqual(answers(each, asked), expected)
      }),
      { numRuns: Number(process.env['RUNS'] ?? 1500) },
    )
  })

  it('keeps what it has of routes that stay, wherever they stand', () => {
    const patterns = Array.from({ length: 50 }, (_, i): RoutePattern => ({
      name: `r${i}`,
      match: { path: `/a/b${i}` },
    }))
    const router = compileRouter(patterns)
    const [first, ...others] = patterns
    const next = compileRouter([...others, first!, { name: 'new', match: { path: '/a/{x}' } }], router)
    for (const [i, entry] of router.parts.entries.entries()) assert.ok(next.parts.entries.includes(entry), `route ${i}`)
    assert.equal(next.match(askFor({ method: 'GET', host: 'h', path: '/a/b0', search: '', headers: [] })), 49)
    const untouched = { method: 'GET', host: 'h', path: '/a/b1', search: '', headers: [] }
    assert.deepEqual([router.match(askFor(untouched)), next.match(askFor(untouched))], [1, 0])
  })

  it('grows no larger than what it has: what has gone leaves nothing behind', () => {
    const named = (from: number, count: number): RoutePattern[] =>
      Array.from({ length: count }, (_, i) => ({
        name: `r${from + i}`,
        match: { path: `/x${from + i}/{id}/y`, host: `h${from + i}.test` },
      }))
    let patterns = named(0, 40)
    let router = compileRouter(patterns)
    for (let i = 40; i < 2000; i += 10) {
      patterns = [...patterns.slice(10), ...named(i, 10)]
      router = compileRouter(patterns, router)
    }
    const { positions, hosts } = router.parts
    assert.deepEqual([positions.length <= 50, hosts.exact.size], [true, 40])
    for (const root of hosts.exact.values()) assert.equal(root.allChildren().length, 1)
    const empty = compileRouter([], compileRouter(patterns.slice(0, 1), router))
    assert.deepEqual([empty.parts.hosts.exact.size, empty.order()], [0, []])
  })

  it('finds the rest of many siblings when some have gone', () => {
    const sibling = fc.nat(400).map((i): RoutePattern => ({ name: `r${i}`, match: { path: `/a/${i}` } }))
    const siblings = fc.uniqueArray(sibling, { selector: ({ name }) => name, minLength: 30, maxLength: 200 })
    fc.assert(
      fc.property(siblings, fc.infiniteStream(fc.boolean()), (patterns, stays) => {
        const rest = patterns.filter((_, i) => i > 24 || stays.next().value)
        const router = compileRouter(rest, compileRouter(patterns))
        for (let i = 0; i <= 400; i++) {
          const x = askFor({ method: 'GET', host: 'h', path: `/a/${i}`, search: '', headers: [] })
          assert.equal(
            router.match(x),
            rest.findIndex(({ name }) => name === `r${i}`),
          )
        }
      }),
      { numRuns: 100 },
    )
  })

  it('names other methods than those before, for ever', () => {
    let router: Router | null = null
    for (let i = 0; i < 200; i++) {
      const method = `M${i}`
      router = compileRouter([{ name: 'r', match: { method } }], router)
      const x = { method, host: 'h', path: '/', search: '', headers: [] }
      assert.equal(router.match(askFor(x)), 0)
      assert.equal(router.allow(askFor({ ...x, method: `M${i + 1}` })), method)
    }
  })
})
