import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Balancer, Candidates } from './balancer.ts'
import { PowerOfTwoChoices } from './p2c.ts'
import { PeakEwma } from './peak-ewma.ts'
import { RandomNumbers } from './random-numbers.ts'
import { RoundRobin } from './round-robin.ts'

const random = (): RandomNumbers => new RandomNumbers(Buffer.alloc(12, 9))

interface Settable {
  inFlight: number
  latency: number
}

function balancerOf(loads: readonly Settable[], weights = loads.map(() => 1)): PowerOfTwoChoices {
  return new PowerOfTwoChoices({ loads, weights: Float64Array.from(weights) }, random())
}

function countsOf(balancer: PowerOfTwoChoices, candidates: number, picks = 10_000): number[] {
  const counts = Array.from({ length: candidates }, () => 0)
  for (let i = 0; i < picks; i++) counts[balancer.pick()]!++
  return counts
}

describe('power of two choices', () => {
  it('draws equals equally often', () => {
    const loads = Array.from({ length: 5 }, () => ({ inFlight: 2, latency: 30 }))
    for (const count of countsOf(balancerOf(loads), 5)) assert.ok(Math.abs(count - 2000) < 200, `${count}`)
  })

  it('never takes the worst, and the best whenever it is drawn: 2 of n', () => {
    const loads = [1, 2, 3, 4].map((latency) => ({ inFlight: 0, latency }))
    const [best, second, third, worst] = countsOf(balancerOf(loads), 4)
    assert.equal(worst, 0)
    // 3, 2 and 1 of the 6 pairs.
    assert.ok(Math.abs(best! - 5000) < 250 && Math.abs(second! - 3333) < 250 && Math.abs(third! - 1667) < 250)
  })

  it('weighs latency, requests on their way, and weight', () => {
    const usual = { inFlight: 1, latency: 10 }
    const better = (a: Settable, b: Settable, weights = [1, 1]): number => {
      const counts = countsOf(balancerOf([a, b], weights), 2, 100)
      return counts[0] === 100 ? 0 : counts[1] === 100 ? 1 : -1
    }
    assert.equal(better(usual, { ...usual, latency: 11 }), 0)
    assert.equal(better({ ...usual, inFlight: 2 }, usual), 1)
    assert.equal(better(usual, usual, [1, 2]), 1)
    assert.equal(better(usual, usual), -1)
  })

  it('tries whom it knows nothing of, with one request until the first reply', () => {
    const loads = [0, 1, 2, 3].map((i) => ({ inFlight: 3, latency: i === 0 ? 0 : 10 }))
    loads[0]!.inFlight = 0
    const balancer = balancerOf(loads)
    assert.ok(countsOf(balancer, 4)[0]! > 4000)
    loads[0]!.inFlight = 1
    assert.equal(countsOf(balancer, 4)[0], 0)
    // Where everyone is unknown, requests on their way decide.
    loads.forEach((load, i) => Object.assign(load, { latency: 0, inFlight: i + 1 }))
    assert.equal(countsOf(balancer, 4)[3], 0)
    for (let i = 0; i < 100; i++) loads[balancer.pick()]!.inFlight++
    for (const { inFlight } of loads) assert.ok(inFlight >= 20 && inFlight <= 35)
  })

  it('never picks one of weight 0, also after changes in place', () => {
    const weightsOf = fc.array(fc.constantFrom(0, 0.5, 3), { minLength: 6, maxLength: 6 })
    fc.assert(
      fc.property(fc.array(weightsOf, { minLength: 1, maxLength: 4 }), (changes) => {
        const loads = Array.from({ length: 6 }, (_, i) => ({ inFlight: i % 2, latency: i % 3 }))
        const weights = new Float64Array(6)
        const balancer = new PowerOfTwoChoices({ loads, weights }, random())
        assert.equal(balancer.pick(), -1)
        for (const next of changes) {
          weights.set(next)
          balancer.weightsChanged()
          for (let i = 0; i < 50; i++) {
            const pick = balancer.pick()
            if (next.every((weight) => weight === 0)) assert.equal(pick, -1)
            else assert.ok(weights[pick]! > 0)
          }
        }
      }),
    )
  })
})

/** An endpoint that works on one request at a time, on a simulated clock. */
class SimulatedEndpoint {
  inFlight = 0
  readonly #ewma = new PeakEwma()
  readonly #clock: { now: number }
  readonly #service: number
  #freeAt = 0
  /** When and after how long those on their way will be answered, in order. */
  readonly #replies: { at: number; latency: number }[] = []

  constructor(clock: { now: number }, service: number) {
    this.#clock = clock
    this.#service = service
  }

  get latency(): number {
    return this.#ewma.value(this.#clock.now)
  }

  /** ms until the reply. */
  send(): number {
    const { now } = this.#clock
    this.#freeAt = Math.max(this.#freeAt, now) + this.#service
    this.inFlight++
    this.#replies.push({ at: this.#freeAt, latency: this.#freeAt - now })
    return this.#freeAt - now
  }

  receive(): void {
    while (this.#replies.length > 0 && this.#replies[0]!.at <= this.#clock.now) {
      const { at, latency } = this.#replies.shift()!
      this.#ewma.observe(latency, at)
      this.inFlight--
    }
  }
}

/** 99th percentile, ms, of requests that come at random, 30 a second, to four endpoints: 10 ms each, one of them 100 ms. */
function slowest(make: (candidates: Candidates) => Balancer): number {
  const clock = { now: 0 }
  const endpoints = [10, 10, 100, 10].map((service) => new SimulatedEndpoint(clock, service))
  const balancer = make({ loads: endpoints, weights: new Float64Array(4).fill(1) })
  const arrivals = random()
  const latencies: number[] = []
  for (let i = 0; i < 20_000; i++) {
    clock.now -= Math.log(1 - arrivals.fraction()) * 33
    for (const endpoint of endpoints) endpoint.receive()
    latencies.push(endpoints[balancer.pick(0)]!.send())
  }
  return latencies.sort((a, b) => a - b)[Math.floor(latencies.length * 0.99)]!
}

describe('one endpoint of four ten times slower', () => {
  it('is felt half as much, or less, than with round-robin', (test) => {
    const turns = slowest((candidates) => new RoundRobin(candidates))
    const chosen = slowest((candidates) => new PowerOfTwoChoices(candidates, random()))
    test.diagnostic(`99th percentile: ${turns.toFixed(0)} ms in turns, ${chosen.toFixed(0)} ms chosen`)
    assert.ok(chosen * 2 <= turns)
  })
})
