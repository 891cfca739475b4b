// The better of two drawn at random (Mitzenmacher 2001, The Power of Two Choices in Randomized Load Balancing), better by
// expected latency times requests on their way, as Finagle and Linkerd do with their peak EWMA.
//
// Each is drawn equally often: of n candidates none gets more than 2/n of the requests, whatever its weight.
import type { Balancer, Candidates, Load } from './balancer.ts'
import { RandomNumbers } from './random-numbers.ts'
import { Usable } from './usable.ts'

export class PowerOfTwoChoices implements Balancer {
  readonly #loads: readonly Load[]
  readonly #weights: Float64Array
  readonly #usable: Usable
  readonly #random: RandomNumbers

  constructor({ loads, weights }: Candidates, random = new RandomNumbers()) {
    this.#loads = loads
    this.#weights = weights
    this.#usable = new Usable(weights)
    this.#random = random
  }

  pick(): number {
    const { indices, count } = this.#usable
    if (count < 2) return count === 0 ? -1 : indices[0]!
    const one = this.#random.below(count)
    // One place fewer, and those from `one` on moved up: two different ones in one go.
    let other = this.#random.below(count - 1)
    if (other >= one) other++
    const a = indices[one]!
    const b = indices[other]!
    return this.#isBetter(b, a) ? b : a
  }

  weightsChanged(): void {
    this.#usable.weightsChanged()
  }

  #isBetter(b: number, a: number): boolean {
    const loadA = this.#loads[a]!
    const loadB = this.#loads[b]!
    let latencyA = loadA.latency
    let latencyB = loadB.latency
    if (!(latencyA > 0) || !(latencyB > 0)) {
      const known = latencyA > 0 || latencyB > 0
      // Of which nothing is known gets one request to be known by, and no second before the first is answered. Until then
      // it counts as being as fast as the other.
      if (known && !(latencyA > 0) && loadA.inFlight > 0) return true
      if (known && !(latencyB > 0) && loadB.inFlight > 0) return false
      latencyA = latencyB = 1
    }
    return latencyB * (loadB.inFlight + 1) * this.#weights[a]! < latencyA * (loadA.inFlight + 1) * this.#weights[b]!
  }
}
