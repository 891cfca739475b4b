import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { randomBits } from '../base/trace-ids.ts'
import type { TracesConfig } from '../config/trace-schema.ts'
import type { Exchange } from '../contract/exchange.ts'
import type { Route, Snapshot, TrustedProxies } from '../contract/snapshot.ts'
import type { Tracing } from '../contract/trace.ts'
import { decide } from '../road/trace.ts'
import type { SpanSink } from '../telemetry/span.ts'
import { requestOf } from '../../test/lab/plugin-exchange.ts'
import { compileTracing } from './tracing.ts'

const NOWHERE: SpanSink = { add() {}, lose() {}, takesLate: () => true }
const TRACE = '0af7651916cd43dd8448eb211c80319c'
const SPAN = 'b7ad6b7169203331'

function tracing(config: Omit<TracesConfig, 'otlp'>, trusted: TrustedProxies | null = null): Tracing {
  return compileTracing(config, trusted, NOWHERE)
}

function request(headers: readonly string[] = [], route = 'a'): Exchange {
  const x = requestOf({ headers })
  x.route = { name: route } as Route
  x.peerIp = '10.0.0.1'
  return x
}

function decided(config: Omit<TracesConfig, 'otlp'>, headers: readonly string[], trusted?: TrustedProxies): Exchange {
  const x = request(headers)
  const compiled = tracing(config, trusted ?? null)
  x.snapshot = { tracing: compiled } as Snapshot
  decide(x, compiled)
  return x
}

describe('the share of traces', () => {
  const bits = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
  const share = fc.double({ min: 0, max: 1, noNaN: true })

  it('depends on the id alone: whoever has a larger share records what another one does', () => {
    fc.assert(
      fc.property(bits, share, share, (id, one, other) => {
        const [less, more] = [Math.min(one, other), Math.max(one, other)]
        const x = request()
        return !tracing({ ratio: less }).samples(x, id) || tracing({ ratio: more }).samples(x, id)
      }),
    )
  })

  it('is none at 0%, all at 100%, and about right between', () => {
    const x = request()
    const count = (ratio: number): number => {
      const compiled = tracing({ ratio })
      let sampled = 0
      for (let i = 0; i < 100_000; i++) if (compiled.samples(x, randomBits())) sampled++
      return sampled
    }
    assert.deepEqual([count(0), count(1)], [0, 100_000])
    const tenth = count(0.1)
    assert.ok(tenth > 9_300 && tenth < 10_700, `${tenth}`)
  })
})

describe('rules of traces', () => {
  const rules: TracesConfig['rules'] = [
    { route: 'health', share: 0 },
    { header: { 'x-debug': { present: true }, 'x-tenant': 'gold' }, share: 1 },
    { baggage: { tier: { regex: 'go.*' } }, share: 1 },
    { route: 'b', baggage: { skip: { present: false } }, share: 1 },
  ]
  const cases: readonly [string, readonly string[], string, boolean][] = [
    ['none fits', [], 'a', false],
    ['one of two headers', ['x-debug', '1'], 'a', false],
    ['both headers', ['x-debug', '', 'X-Tenant', 'gold'], 'a', true],
    ['the first that fits counts', ['x-debug', '1', 'x-tenant', 'gold'], 'health', false],
    ['an item of the baggage', ['baggage', 'a=b, tier=g%6fld;ttl=1'], 'a', true],
    ['another value of it', ['baggage', 'tier=silver'], 'a', false],
    ['in a second field', ['baggage', 'a=b', 'baggage', 'tier=gold'], 'a', true],
    ['too much baggage is none', ['baggage', `tier=gold,a=${'x'.repeat(8192)}`], 'a', false],
    ['a route, and an item that is absent', [], 'b', true],
    ['a route, and an item that is there', ['baggage', 'skip=1'], 'b', false],
  ]
  for (const [what, headers, route, sampled] of cases) {
    it(what, () => {
      const compiled = tracing({ ratio: 0, rules })
      assert.equal(compiled.samples(request(headers, route), randomBits()), sampled)
    })
  }
})

describe('the parent of a trace', () => {
  const parent = (flags: string): string[] => ['traceparent', `00-${TRACE}-${SPAN}-${flags}`]
  const proxy: TrustedProxies = { trusts: (ip) => ip === '10.0.0.1' }

  it('decides, whatever ratio and rules say', () => {
    const flags = fc.integer({ min: 0, max: 255 })
    fc.assert(
      fc.property(flags, fc.constantFrom(0, 1), (value, ratio) => {
        const field = value.toString(16).padStart(2, '0')
        const x = decided({ trust: 'everyone', ratio, rules: [{ share: ratio }] }, parent(field))
        return x.sampled === ((value & 1) === 1) && x.traceId === TRACE
      }),
    )
  })

  it('is believed from trusted proxies, from everyone or from nobody', () => {
    const continues = (trust: TracesConfig['trust'], trusted?: TrustedProxies): boolean =>
      decided({ ratio: 0, ...(trust === undefined ? {} : { trust }) }, parent('01'), trusted).traceId === TRACE
    assert.deepEqual(
      [continues(undefined), continues(undefined, proxy), continues('proxies', { trusts: () => false })],
      [false, true, false],
    )
    assert.deepEqual([continues('everyone'), continues('nobody', proxy)], [true, false])
  })

  it('that is not recorded passes untouched; one that is gets a span of ours', () => {
    const kept = decided({ trust: 'everyone', ratio: 1 }, parent('02'))
    assert.deepEqual([kept.sampled, kept.spanId, kept.spans], [false, SPAN, null])
    const own = decided({ trust: 'everyone', ratio: 0 }, parent('ff'))
    assert.deepEqual([own.sampled, own.trace.parentId], [true, SPAN])
    assert.match(own.trace.own, new RegExp(`^00-${TRACE}-(?!${SPAN})[0-9a-f]{16}-03$`))
  })

  it('that is not valid, or there twice, is none', () => {
    for (const headers of [
      ['traceparent', 'x'],
      [...parent('01'), ...parent('01')],
      ['tracestate', 'a=1'],
    ]) {
      const x = decided({ trust: 'everyone', ratio: 0 }, headers)
      assert.deepEqual([x.sampled, x.traceId === TRACE, x.trace.parentId], [false, false, ''])
    }
  })

  it('leaves nothing behind in an Exchange that is used again', () => {
    const x = decided({ trust: 'everyone' }, parent('01'))
    x.reset()
    assert.deepEqual([x.traceId, x.spanId, x.sampled, x.spans, x.trace.forward], ['', '', false, null, ''])
  })
})
