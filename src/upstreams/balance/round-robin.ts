// Weighted round-robin by earliest deadline: the order of nginx's smooth weighted round-robin (commit 52327e0627f4, 2012)
// as a schedule. In one round of virtual time a candidate of weight w has w deadlines, evenly apart; the next request goes
// to the earliest. The order repeats round after round, so that every window of the weights' sum is exact: from the first
// request on, and at once after a change of weights. nginx adds every weight to a counter for each request: O(n); here a
// tournament of deadlines is played again along one path: O(log n). bench/micro/balance.ts.
//
//   winners[1]            the next to be picked        A deadline is round + phase / weight, two numbers that are
//    [2]       [3]        who is earlier of two        compared one after the other. Whole weights keep phases exact,
//   [4] [5]   [6] [7]     the candidates themselves    so that equal deadlines stay equal for ever.
import type { Balancer, Candidates } from './balancer.ts'

/** Phases are whole multiples of this part of a pick: sums of them are exact. */
const GRAIN = 2 ** -20
/** Smaller weights count as this one: the round of a deadline stays a number that can be added to. */
const LEAST_WEIGHT = 1e-6

export class RoundRobin implements Balancer {
  readonly #weights: Float64Array
  /** As they were when deadlines were last set. */
  readonly #used: Float64Array
  readonly #leaves: number
  readonly #winners: Int32Array
  readonly #rounds: Float64Array
  /** Picks' worth of the round that is over at the deadline: from 0 to the weight. */
  readonly #phases: Float64Array
  /** phase / weight. */
  readonly #fractions: Float64Array
  /** Deadline of the last pick: virtual time. */
  #round = 0
  #fraction = 0

  constructor({ weights }: Pick<Candidates, 'weights'>) {
    const { length } = weights
    let leaves = 1
    while (leaves < length) leaves *= 2
    this.#weights = weights
    this.#used = new Float64Array(length)
    this.#leaves = leaves
    this.#winners = new Int32Array(leaves * 2)
    for (let i = 0; i < leaves; i++) this.#winners[leaves + i] = i
    this.#rounds = new Float64Array(leaves).fill(Infinity)
    this.#fractions = new Float64Array(leaves)
    // Staggered starts: equal weights take turns in order, and 5, 1, 1 becomes a a b a a c a rather than a a a a a b c.
    this.#phases = Float64Array.from(weights, (_, i) => grains(i / length))
    this.weightsChanged()
  }

  /** Takes turns among plain weights. */
  static of(weights: readonly number[]): RoundRobin {
    return new RoundRobin({ weights: Float64Array.from(weights) })
  }

  pick(): number {
    const i = this.#winners[1]!
    const round = this.#rounds[i]!
    if (round === Infinity) return -1
    this.#round = round
    this.#fraction = this.#fractions[i]!
    this.#setDeadline(i, round, this.#phases[i]! + 1)
    for (let node = (this.#leaves + i) >> 1; node > 0; node >>= 1) this.#play(node)
    return i
  }

  /** What part of a pick each still had to wait for stays; only the speed changes. So no one loses its turn. */
  weightsChanged(): void {
    const used = this.#used
    for (let i = 0; i < used.length; i++) {
      if (used[i]! > 0) this.#phases[i] = this.#outstanding(i)
      const weight = this.#weights[i]!
      used[i] = weight > 0 ? Math.max(weight, LEAST_WEIGHT) : 0
      if (weight > 0) this.#setDeadline(i, 0, this.#phases[i]!)
      else this.#rounds[i] = Infinity
    }
    this.#round = 0
    this.#fraction = 0
    for (let node = this.#leaves - 1; node > 0; node--) this.#play(node)
  }

  /** `phase` picks after the begin of `round`. */
  #setDeadline(i: number, round: number, phase: number): void {
    const weight = this.#used[i]!
    const rounds = phase < weight ? 0 : Math.floor(phase / weight)
    const rest = Math.max(0, phase - rounds * weight)
    this.#rounds[i] = round + rounds
    this.#phases[i] = rest
    this.#fractions[i] = rest / weight
  }

  /** Part of a pick, from 0 to below 1, until the deadline. */
  #outstanding(i: number): number {
    const rounds = this.#rounds[i]! - this.#round - this.#fraction
    return grains(Math.min(1 - GRAIN, Math.max(0, rounds * this.#used[i]! + this.#phases[i]!)))
  }

  /** Of equal deadlines the left one, of the lower index, is first. */
  #play(node: number): void {
    const winners = this.#winners
    const left = winners[node * 2]!
    const right = winners[node * 2 + 1]!
    const ahead = this.#rounds[left]! - this.#rounds[right]!
    const rightIsFirst = ahead > 0 || (ahead === 0 && this.#fractions[right]! < this.#fractions[left]!)
    winners[node] = rightIsFirst ? right : left
  }
}

function grains(part: number): number {
  return Math.round(part / GRAIN) * GRAIN
}
