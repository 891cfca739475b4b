import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { SimulatedTime } from '../../../test/lab/simulated-time.ts'
import { CircuitBreaker, type BreakerOptions, TOKEN_MASK } from './breaker.ts'
import { FAILED_THERE, SUCCEEDED, UNKNOWN, type Outcome } from '../../contract/upstream.ts'

const OPTIONS: BreakerOptions = { window: 1000, minimum: 10, failures: 0.5, latency: 0, open: 100, probes: 2 }

class Laboratory {
  readonly time = new SimulatedTime()
  readonly options: BreakerOptions
  readonly breaker: CircuitBreaker
  changes = 0

  constructor(options: Partial<BreakerOptions> = {}, random = (): number => 0) {
    this.options = { ...OPTIONS, ...options }
    this.breaker = new CircuitBreaker(this.options, this.time.wheel, this.time.clock, random)
    this.breaker.onChange = () => this.changes++
  }

  /** `count` requests, one after the other. */
  request(count: number, outcome: Outcome, latency = 1): void {
    for (let i = 0; i < count; i++) this.breaker.end(this.breaker.begin(), outcome, latency)
  }

  /** Lets time pass until it admits again; how many ms that were. */
  waited(): number {
    const from = this.time.now
    while (!this.breaker.admits) {
      assert.ok(this.time.now - from < 100_000, 'it is stuck')
      this.time.pass(1)
    }
    return this.time.now - from
  }

  get seen(): string {
    return `${this.breaker.state} ${this.breaker.admits}`
  }
}

describe('circuit breaker', () => {
  it('opens above the share of failures, and not before the minimum of requests', () => {
    const lab = new Laboratory()
    lab.request(9, FAILED_THERE)
    assert.equal(lab.breaker.state, 'closed')
    lab.request(1, FAILED_THERE)
    assert.equal(lab.seen, 'open false')
    assert.equal(lab.changes, 1)
    const half = new Laboratory()
    half.request(10, SUCCEEDED)
    half.request(10, FAILED_THERE)
    assert.equal(half.breaker.state, 'closed')
    half.request(1, FAILED_THERE)
    assert.equal(half.breaker.state, 'open')
  })

  it('opens when more than one in twenty is slow, also when all succeed', () => {
    const lab = new Laboratory({ latency: 50, failures: 0 })
    lab.request(380, SUCCEEDED, 50)
    lab.request(20, SUCCEEDED, 51)
    assert.equal(lab.breaker.state, 'closed')
    lab.request(1, SUCCEEDED, 51)
    assert.equal(lab.breaker.state, 'open')
  })

  it('hears nothing in what clients cancelled, and nothing of latency where there is none', () => {
    const lab = new Laboratory({ latency: 50, failures: 0 })
    lab.request(100, UNKNOWN, 1000)
    lab.request(100, FAILED_THERE, -1)
    assert.equal(lab.breaker.state, 'closed')
  })

  it('never opens when both are 0', () => {
    const lab = new Laboratory({ failures: 0 })
    lab.request(1000, FAILED_THERE, 100_000)
    assert.equal(lab.breaker.state, 'closed')
  })

  it('lets as many probes through as it says, closes after as many successes, and begins with an empty window', () => {
    const lab = new Laboratory()
    lab.request(10, FAILED_THERE)
    lab.waited()
    assert.equal(lab.seen, 'half-open true')
    const first = lab.breaker.begin()
    assert.equal(lab.breaker.admits, true)
    const second = lab.breaker.begin()
    assert.equal(lab.breaker.admits, false)
    lab.breaker.end(lab.breaker.begin(), FAILED_THERE, 1) // sent all the same, and without a say
    lab.breaker.end(first, SUCCEEDED, 1)
    assert.equal(lab.seen, 'half-open true')
    lab.breaker.end(second, SUCCEEDED, 1)
    assert.equal(lab.seen, 'closed true')
    lab.request(9, FAILED_THERE)
    assert.equal(lab.breaker.state, 'closed')
  })

  it('begins each time it is half-open with no probe on its way and no success', () => {
    const lab = new Laboratory()
    lab.request(10, FAILED_THERE)
    lab.waited()
    lab.request(1, SUCCEEDED)
    const both = [lab.breaker.begin(), lab.breaker.begin()]
    lab.breaker.end(both[0]!, FAILED_THERE, 1)
    lab.waited()
    const again = lab.breaker.begin()
    assert.equal(lab.breaker.admits, true)
    lab.breaker.end(again, SUCCEEDED, 1)
    assert.equal(lab.seen, 'half-open true')
    const slowest = lab.breaker.begin()
    lab.request(1, SUCCEEDED)
    assert.equal(lab.seen, 'closed true')
    lab.request(9, FAILED_THERE)
    lab.breaker.end(slowest, FAILED_THERE, 1) // a probe still, not the tenth of these
    assert.equal(lab.seen, 'closed true')
  })

  it('needs another probe when a client cancelled one', () => {
    const lab = new Laboratory({ probes: 1 })
    lab.request(10, FAILED_THERE)
    lab.waited()
    lab.request(5, UNKNOWN)
    assert.equal(lab.seen, 'half-open true')
    lab.request(1, SUCCEEDED)
    assert.equal(lab.breaker.state, 'closed')
  })

  it('stays open for longer with every failed probe, to ten times, and for the first time again after it closed', () => {
    const lab = new Laboratory({ probes: 1, open: 1000 })
    lab.request(10, FAILED_THERE)
    for (const expected of [1000, 2000, 4000, 8000, 10_000, 10_000]) {
      assert.ok(Math.abs(lab.breaker.retryAfter - expected) < 1e-6)
      const waited = lab.waited()
      assert.ok(waited >= expected && waited <= expected + 20, `${waited} is not ${expected}`)
      assert.equal(lab.breaker.retryAfter, 0)
      lab.request(1, FAILED_THERE)
    }
    lab.waited()
    lab.request(1, SUCCEEDED)
    lab.request(10, FAILED_THERE)
    assert.equal(lab.breaker.retryAfter, 1000)
    assert.equal(lab.breaker.openings, 8)
  })

  it('varies the open time by up to a fifth', () => {
    const lab = new Laboratory({ open: 1000 }, () => 0.5)
    lab.request(10, FAILED_THERE)
    assert.equal(lab.breaker.retryAfter, 1100)
  })

  it('takes a probe that is too slow for a failed one', () => {
    const lab = new Laboratory({ probes: 1, latency: 50 })
    lab.request(10, FAILED_THERE)
    lab.waited()
    lab.request(1, SUCCEEDED, 51)
    assert.equal(lab.breaker.state, 'open')
  })

  it('does not count in half-open, or when closed again, what began before', () => {
    const lab = new Laboratory({ probes: 1 })
    const old = Array.from({ length: 30 }, () => lab.breaker.begin())
    lab.request(10, FAILED_THERE)
    for (const token of old.slice(0, 10)) lab.breaker.end(token, FAILED_THERE, 1)
    lab.waited()
    for (const token of old.slice(10, 20)) lab.breaker.end(token, FAILED_THERE, 1)
    assert.equal(lab.seen, 'half-open true')
    lab.request(1, SUCCEEDED)
    for (const token of old.slice(20)) lab.breaker.end(token, FAILED_THERE, 1)
    assert.equal(lab.seen, 'closed true')
  })

  it('gives up a probe that does not end, after a minute', () => {
    const lab = new Laboratory({ probes: 1 })
    lab.request(10, FAILED_THERE)
    lab.waited()
    const stream = lab.breaker.begin()
    assert.equal(lab.breaker.retryAfter, 1)
    assert.ok(lab.waited() >= 60_000)
    lab.breaker.end(stream, FAILED_THERE, 1)
    assert.equal(lab.seen, 'half-open true')
  })

  it('may be closed by whoever hears of a change, and leaves no timer', () => {
    const lab = new Laboratory()
    const late = lab.breaker.begin()
    lab.breaker.onChange = () => lab.breaker.close()
    lab.request(10, FAILED_THERE)
    assert.equal(lab.time.wheel.size, 0)
    lab.breaker.end(late, FAILED_THERE, 1)
    const other = new Laboratory()
    const tokens = Array.from({ length: 20 }, () => other.breaker.begin())
    other.breaker.close()
    for (const token of tokens) other.breaker.end(token, FAILED_THERE, 1)
    assert.deepEqual([other.time.wheel.size, other.changes, other.breaker.state], [0, 0, 'closed'])
  })
})

const outcomes = fc.constantFrom<Outcome>(SUCCEEDED, FAILED_THERE, FAILED_THERE, UNKNOWN)
const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('begin' as const) }) },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('end' as const),
        which: fc.nat(),
        outcome: outcomes,
        latency: fc.integer({ min: -1, max: 100 }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 300 }) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('burst' as const), outcome: outcomes }) },
  ),
  { maxLength: 200 },
)
const manyOptions = fc.record({
  window: fc.integer({ min: 1, max: 200 }).map((tenth) => tenth * 10),
  minimum: fc.integer({ min: 0, max: 20 }),
  failures: fc.constantFrom(0, 0.1, 0.5, 0.9),
  latency: fc.constantFrom(0, 20, 90),
  open: fc.integer({ min: 1, max: 500 }),
  probes: fc.integer({ min: 1, max: 4 }),
})

/** What the closed state should do, from all that happened in it. */
class ClosedModel {
  readonly #options: BreakerOptions
  readonly #events: { at: number; outcome: Outcome; latency: number }[] = []

  constructor(options: BreakerOptions) {
    this.#options = options
  }

  opens(now: number, outcome: Outcome, latency: number): boolean {
    if (outcome === UNKNOWN) return false
    this.#events.push({ at: now, outcome, latency })
    const { window, minimum, failures, latency: limit } = this.#options
    if (outcome !== FAILED_THERE && !(limit > 0 && latency > limit)) return false
    const slice = (at: number): number => Math.floor(at / (window / 10))
    const within = this.#events.filter(({ at }) => slice(now) - slice(at) < 10)
    if (within.length < minimum) return false
    const failed = within.filter((event) => event.outcome === FAILED_THERE).length
    if (failures > 0 && failed > failures * within.length) return true
    const timed = within.map((event) => event.latency).filter((each) => each >= 0)
    const p95 = timed.sort((a, b) => a - b)[Math.ceil((timed.length * 95) / 100) - 1] ?? 0
    return limit > 0 && timed.length >= minimum && p95 > limit
  }
}

/** Does the steps one by one, and says after each what must be true. */
class Walk {
  readonly lab: Laboratory
  /** Requests on their way: their tokens. */
  readonly #flying: number[] = []
  #model: ClosedModel
  #seen = 'closed true'
  #changes = 0

  constructor(options: BreakerOptions) {
    this.lab = new Laboratory(options, () => 0.7)
    this.#model = new ClosedModel(options)
  }

  begin(): void {
    const { breaker } = this.lab
    const { admits } = breaker
    const token = breaker.begin()
    assert.equal(token !== TOKEN_MASK, admits)
    this.#flying.push(token)
    if (admits && breaker.state === 'half-open') {
      const probes = this.#flying.filter((each) => each === token).length
      assert.ok(probes <= this.lab.options.probes, `${probes} probes`)
    }
    this.#look()
  }

  end(which: number, outcome: Outcome, latency: number): void {
    if (this.#flying.length === 0) return
    const { breaker, time } = this.lab
    const [token] = this.#flying.splice(which % this.#flying.length, 1)
    const current = breaker.state === 'closed' && token === breaker.begin()
    const opens = current && this.#model.opens(time.now, outcome, latency)
    const before = breaker.state
    breaker.end(token!, outcome, latency)
    if (before === 'closed') assert.equal(breaker.state, opens ? 'open' : 'closed')
    if (before === 'open') assert.equal(breaker.state, 'open')
    if (before !== 'closed' && breaker.state === 'closed') this.#model = new ClosedModel(this.lab.options)
    this.#look()
  }

  pass(ms: number): void {
    this.lab.time.pass(ms)
    this.#look(Infinity)
  }

  #look(most = 1): void {
    const { breaker, seen, changes, time } = this.lab
    assert.ok(changes - this.#changes <= most)
    if (most === 1) assert.equal(changes - this.#changes, seen === this.#seen ? 0 : 1)
    this.#seen = seen
    this.#changes = changes
    if (breaker.state !== 'half-open') assert.equal(breaker.admits, breaker.state === 'closed')
    assert.equal(breaker.retryAfter === 0, breaker.admits)
    assert.ok(time.wheel.size <= 1)
  }
}

describe('circuit breaker, whatever happens', () => {
  it('opens when a model says so, never has too many probes, and never is stuck', () => {
    fc.assert(
      fc.property(manyOptions, steps, (options, of) => {
        const walk = new Walk(options)
        for (const step of of) {
          if (step.kind === 'begin') walk.begin()
          else if (step.kind === 'end') walk.end(step.which, step.outcome, step.latency)
          else if (step.kind === 'pass') walk.pass(step.ms)
          else {
            for (let i = 0; i < 10; i++) walk.begin()
            for (let i = 0; i < 10; i++) walk.end(i, step.outcome, 1)
          }
        }
        walk.pass(options.open * 12 + 60_020)
        const { breaker, time } = walk.lab
        assert.equal(breaker.admits, true)
        for (let i = 0; i < options.probes; i++) walk.lab.request(1, SUCCEEDED, 0)
        assert.equal(breaker.state, 'closed')
        assert.equal(time.wheel.size, 0)
      }),
      { numRuns: 400 },
    )
  })
})
