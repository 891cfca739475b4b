// Each algorithm beside a slow model that keeps every event, on a simulated clock.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { LimitRule } from '../contract/limits.ts'
import { compileAlgorithm, type Decision } from './algorithms.ts'

const START = 1_000_000

function rule(changes: Partial<LimitRule>): LimitRule {
  return { algorithm: 'token-bucket', amount: 10, window: 1000, burst: 10, maxWait: 0, ...changes }
}

/** A limit on one key, on a clock of its own. */
class Tried implements Decision {
  remaining = 0
  resetAfter = 0
  retryAfter = 0
  delay = 0
  now = START
  readonly states = new Float64Array(2)
  readonly #take: (dry: boolean) => boolean

  constructor(of: LimitRule) {
    const algorithm = compileAlgorithm(of)
    this.#take = (dry) => algorithm.take(this.states, 0, this.now, dry, this)
  }

  take(dry = false): boolean {
    return this.#take(dry)
  }

  /** Events admitted of `count` at once. */
  burst(count: number): number {
    let admitted = 0
    for (let i = 0; i < count; i++) if (this.take()) admitted++
    return admitted
  }
}

/** A model decides about one event. */
type Model = (now: number) => boolean

/** Tokens as they are taught: a bucket that fills at the rate. */
function tokens({ amount, window, burst }: LimitRule): Model {
  let level = burst
  let last = START
  return (now) => {
    level = Math.min(burst, level + ((now - last) * amount) / window)
    last = now
    if (level < 1 - 1e-6) return false
    level -= 1
    return true
  }
}

function fixed({ amount, window }: LimitRule): Model {
  const events: number[] = []
  return (now) => {
    const number = Math.floor(now / window)
    if (events.filter((at) => Math.floor(at / window) === number).length >= amount) return false
    events.push(now)
    return true
  }
}

function sliding({ amount, window }: LimitRule): Model {
  const events: number[] = []
  return (now) => {
    const number = Math.floor(now / window)
    const within = (wanted: number): number => events.filter((at) => Math.floor(at / window) === wanted).length
    const share = 1 - (now - number * window) / window
    if (within(number - 1) * share + within(number) + 1 > amount + 1e-6) return false
    events.push(now)
    return true
  }
}

const steps = fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 300 })
const amounts = fc.integer({ min: 1, max: 30 })
const windows = fc.integer({ min: 20, max: 3000 })

describe('limit algorithms', () => {
  const models: readonly [LimitRule['algorithm'], (rule: LimitRule) => Model][] = [
    ['token-bucket', tokens],
    ['fixed-window', fixed],
    ['sliding-window', sliding],
  ]
  for (const [algorithm, model] of models) {
    it(`${algorithm} admits what its model admits, and says truly when it will again`, () => {
      fc.assert(
        fc.property(steps, amounts, windows, amounts, (waits, amount, window, burst) => {
          const of = rule({ algorithm, amount, window, burst })
          const tried = new Tried(of)
          const expected = model(of)
          for (const wait of waits) {
            tried.now += wait
            const admitted = tried.take()
            assert.equal(admitted, expected(tried.now))
            if (admitted) {
              assert.equal(tried.retryAfter, 0)
              continue
            }
            assert.ok(tried.retryAfter > 0)
            const { now, retryAfter } = tried
            tried.now = now + retryAfter + 1e-3
            assert.ok(tried.take(true), 'after retryAfter there is room')
            tried.now = now + retryAfter * 0.99 - 1e-3
            if (tried.now > now) assert.ok(!tried.take(true), 'and before there is none')
            tried.now = now
          }
        }),
        { numRuns: 300 },
      )
    })
  }

  for (const algorithm of ['token-bucket', 'leaky-bucket', 'fixed-window', 'sliding-window'] as const) {
    it(`${algorithm}: what remains is what can be had, and looking takes nothing`, () => {
      fc.assert(
        fc.property(steps, amounts, windows, amounts, (waits, amount, window, burst) => {
          const tried = new Tried(rule({ algorithm, amount, window, burst }))
          for (const wait of waits.slice(0, 50)) {
            tried.now += wait
            const before = tried.states.slice()
            tried.take(true)
            assert.deepEqual(tried.states, before)
            tried.take()
            const { remaining, states } = tried
            const kept = states.slice()
            assert.equal(tried.burst(remaining + 5), remaining)
            states.set(kept)
          }
        }),
        { numRuns: 100 },
      )
    })
  }

  it('a leaky bucket paces: admitted events leave at the rate, and none waits longer than allowed', () => {
    fc.assert(
      fc.property(steps, amounts, windows, fc.integer({ min: 0, max: 2000 }), (waits, amount, window, maxWait) => {
        const tried = new Tried(rule({ algorithm: 'leaky-bucket', amount, window, burst: 1, maxWait }))
        let last = -Infinity
        for (const wait of waits) {
          tried.now += wait
          if (!tried.take()) continue
          assert.ok(tried.delay <= maxWait + 1e-3)
          const leaves = tried.now + tried.delay
          assert.ok(leaves - last >= window / amount - 1e-3)
          last = leaves
        }
      }),
      { numRuns: 300 },
    )
  })

  it('an amount that changes goes on from what was counted', () => {
    const before = new Tried(rule({ burst: 10 }))
    assert.equal(before.burst(20), 10)
    const after = new Tried(rule({ amount: 20, burst: 20 }))
    after.states.set(before.states)
    // One second is owed, and the new bucket holds one second.
    assert.equal(after.burst(20), 0)
    after.now += 500
    assert.equal(after.burst(20), 10)
  })

  it('admits for ever at the rate without drifting', () => {
    const tried = new Tried(rule({ amount: 3, burst: 2 }))
    let admitted = 0
    for (let i = 0; i < 300_000; i++) {
      tried.now = START + i
      if (tried.take()) admitted++
    }
    assert.equal(admitted, 901)
  })
})
