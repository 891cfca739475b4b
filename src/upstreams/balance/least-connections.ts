// The smallest (requests on their way + 1) / weight, as LVS's weighted least-connection scheduling and HAProxy's leastconn
// mean it. The search begins behind the last one that was picked, so that equal ones take turns. Who is heavier comes more
// often by itself: one request more adds less to its score.
//
// Counts change behind the balancer's back, so that the smallest of all is only known by looking at all: at least 150 ns
// for 100 endpoints. Of more than 32 it looks at 16, drawn at random, as Envoy does, which draws two. The best of 16 is
// among the best fifth of all with a likelihood of 97 %. bench/micro/balance.ts.
import type { Balancer, Candidates, Load } from './balancer.ts'
import { RandomNumbers } from './random-numbers.ts'
import { Usable } from './usable.ts'

/** Up to so many candidates the smallest of all is found. */
export const ALL_UP_TO = 32
const DRAWS = 16
/** So that no score is infinite. */
const LEAST_WEIGHT = 1e-6

export class LeastConnections implements Balancer {
  readonly #loads: readonly Load[]
  readonly #weights: Float64Array
  /** 1 / weight: to multiply is cheaper than to divide. */
  readonly #inverse: Float64Array
  readonly #usable: Usable
  readonly #random: RandomNumbers
  /** Place among the usable ones behind the last that was picked. */
  #start = 0

  constructor({ loads, weights }: Candidates, random = new RandomNumbers()) {
    this.#loads = loads
    this.#weights = weights
    this.#inverse = new Float64Array(weights.length)
    this.#usable = new Usable(weights)
    this.#random = random
    this.weightsChanged()
  }

  pick(): number {
    return this.#usable.count > ALL_UP_TO ? this.#leastOfDrawn() : this.#leastOfAll()
  }

  weightsChanged(): void {
    this.#usable.weightsChanged()
    for (let i = 0; i < this.#inverse.length; i++) this.#inverse[i] = 1 / Math.max(this.#weights[i]!, LEAST_WEIGHT)
  }

  #leastOfAll(): number {
    const { indices, count } = this.#usable
    if (count === 0) return -1
    let at = this.#start < count ? this.#start : 0
    let best = at
    let least = Infinity
    for (let k = 0; k < count; k++) {
      const i = indices[at]!
      const score = (this.#loads[i]!.inFlight + 1) * this.#inverse[i]!
      if (score < least) {
        least = score
        best = at
      }
      if (++at === count) at = 0
    }
    this.#start = best + 1
    return indices[best]!
  }

  #leastOfDrawn(): number {
    const { indices, count } = this.#usable
    const loads = this.#loads
    const inverse = this.#inverse
    // Each draw from a good generator would cost twice as much as looking at the candidate: one good number, and a simple
    // sequence from there (Numerical Recipes' LCG), of which the upper half is used.
    let draw = this.#random.bits()
    let best = -1
    let least = Infinity
    for (let k = 0; k < DRAWS; k++) {
      draw = (Math.imul(draw, 1664525) + 1013904223) | 0
      const i = indices[Math.imul(draw >>> 16, count) >>> 16]!
      const score = (loads[i]!.inFlight + 1) * inverse[i]!
      if (score < least) {
        least = score
        best = i
      }
    }
    return best
  }
}
