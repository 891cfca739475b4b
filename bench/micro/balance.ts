// A pick of each balancer among 4 and 100 endpoints: idle, where many are equal, and busy, where about five requests are on
// their way at each. The work of counting requests is measured by itself, first.
//   scripts/bench micro/balance
import type { Balancer, Candidates } from '../../src/upstreams/balance/balancer.ts'
import { ConsistentHash } from '../../src/upstreams/balance/consistent-hash.ts'
import { hashOf } from '../../src/upstreams/balance/hash-of.ts'
import { LeastConnections } from '../../src/upstreams/balance/least-connections.ts'
import { PowerOfTwoChoices } from '../../src/upstreams/balance/p2c.ts'
import { PeakEwma } from '../../src/upstreams/balance/peak-ewma.ts'
import { WeightedRandom } from '../../src/upstreams/balance/random.ts'
import { RoundRobin } from '../../src/upstreams/balance/round-robin.ts'
import { measure } from './measure.ts'

const BUSY = 5

class BenchLoad {
  inFlight = 0
  latency: number

  constructor(latency: number) {
    this.latency = latency
  }
}

type Make = (candidates: Candidates) => Balancer

const balancers: readonly (readonly [string, Make])[] = [
  ['nothing but counting', (candidates) => new Turns(candidates)],
  ['round-robin', (candidates) => new RoundRobin(candidates)],
  ['least-connections', (candidates) => new LeastConnections(candidates)],
  ['p2c with latencies', (candidates) => new PowerOfTwoChoices(candidates)],
  ['random', (candidates) => new WeightedRandom(candidates)],
  ['consistent-hash', (candidates) => new ConsistentHash(candidates, keysOf(candidates))],
  ['consistent-hash without bound', (candidates) => new ConsistentHash(candidates, keysOf(candidates), 0)],
]

/** The floor: no choice at all. */
class Turns implements Balancer {
  readonly #count: number
  #at = 0

  constructor({ loads }: Candidates) {
    this.#count = loads.length
  }

  pick(): number {
    this.#at++
    if (this.#at === this.#count) this.#at = 0
    return this.#at
  }

  weightsChanged(): void {}
}

function keysOf({ loads }: Candidates): string[] {
  return loads.map((_, i) => `http://10.0.${i >> 8}.${i & 255}:8080`)
}

// In arrays: numbers in variables of a module would be put on the heap, and be counted as ours.
const hashes = Uint32Array.from({ length: 4096 }, (_, i) => hashOf(`request ${i}`))
const clock = new Float64Array(1)
let turn = 0

for (const count of [4, 100]) {
  for (const mixed of [false, true]) {
    for (const [name, make] of balancers) {
      const loads = Array.from({ length: count }, (_, i) => new BenchLoad(1.5 + (i % 7)))
      const weights = Float64Array.from(loads, (_, i) => (mixed ? 1 + ((i * 7) % 10) : 1))
      const balancer = make({ loads, weights })
      const title = `${name}, ${count} endpoints, ${mixed ? 'weights 1 to 10' : 'equal weights'}`
      const pick = (): number => balancer.pick(hashes[turn++ & 4095]!)
      measure(`${title}, idle`, pick)
      const underWay = new Int32Array(count * BUSY).fill(-1)
      let at = 0
      measure(`${title}, busy`, () => {
        const index = pick()
        loads[index]!.inFlight++
        const over = underWay[at]!
        if (over >= 0) loads[over]!.inFlight--
        underWay[at] = index
        if (++at === underWay.length) at = 0
        return index
      })
    }
  }
}

const texts = Array.from({ length: 256 }, (_, i) => `session-${i * 7919}`)
measure('hashOf, 10 to 15 characters', () => hashOf(texts[turn++ & 255]!) | 0)
const expected = new PeakEwma()
measure('peak EWMA: observe and value', () => {
  clock[0]! += 0.5
  expected.observe(clock[0]! % 17, clock[0]!)
  return expected.value(clock[0]!) | 0
})
