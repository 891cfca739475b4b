// Consistent hashing (Karger and others 1997; 160 points for an endpoint of mean weight, as ketama has) with bounded loads
// (Mirrokni, Thorup, Zadimoghaddam 2016): who has more requests on their way than `factor` times its share is passed over.
//
// A change of weights takes points out or puts them back by their number, and builds no new ring: only what these points
// had, or get, moves. With weight 0 all points of an endpoint are out, and everything else stays.
import type { Balancer, Candidates, Load } from './balancer.ts'
import { HashRing } from './hash-ring.ts'
import { Usable } from './usable.ts'

const POINTS = 160
/** Of a whole ring, about; a group of more than 409 endpoints gets fewer for each. */
const ALL_POINTS = 65_536

/** More requests than are ever on their way: whole numbers are compared faster. */
const MANY = 2 ** 30

export class ConsistentHash implements Balancer {
  readonly #keys: readonly string[]
  readonly #loads: readonly Load[]
  readonly #weights: Float64Array
  readonly #usable: Usable
  /** Of those that may be picked: to go through them is most of the work of a pick. */
  #usableLoads: readonly Load[] = []
  readonly #factor: number
  /** `factor` times the share of each. */
  readonly #allowances: Float64Array
  /** Points that each has on the ring, and how many of them are in. */
  readonly #built: Uint32Array
  readonly #points: Uint32Array
  #pointsPerWeight = 0
  #ring: HashRing

  /**
   * `keys`: one for each candidate, all different; its place on the ring depends on nothing else.
   * `factor`: from 1, or 0 for no bound.
   */
  constructor({ loads, weights }: Candidates, keys: readonly string[], factor = 1.25) {
    if (!(factor === 0 || factor >= 1)) throw new RangeError(`a load factor is 0 or at least 1, not ${factor}`)
    this.#keys = keys
    this.#loads = loads
    this.#weights = weights
    this.#usable = new Usable(weights)
    this.#factor = factor
    this.#allowances = new Float64Array(weights.length)
    this.#built = new Uint32Array(weights.length)
    this.#points = new Uint32Array(weights.length)
    this.#ring = new HashRing(keys, this.#built)
    this.weightsChanged()
  }

  pick(hash: number): number {
    if (this.#usable.count === 0) return -1
    const { owners, numbers, size } = this.#ring
    let point = this.#ring.next(hash)
    let total = 0
    let fallback = -1
    for (let steps = 0; steps < size; steps++) {
      const owner = owners[point]!
      if (numbers[point]! < this.#points[owner]!) {
        const { inFlight } = this.#loads[owner]!
        // One is always within the bound; so the others need not be looked at.
        if (inFlight === 0 || this.#factor === 0) return owner
        // inFlight + 1 <= ceil(allowance * (total + 1)) is inFlight / allowance < total + 1.
        const needed = Math.min(MANY, Math.floor(inFlight / this.#allowances[owner]!)) | 0
        if (total <= needed) total = this.#inFlight(needed)
        if (needed < total) return owner
        if (fallback < 0) fallback = owner
      }
      if (++point === size) point = 0
    }
    // With a factor of 1 rounding can leave no room anywhere.
    return fallback
  }

  weightsChanged(): void {
    const usable = this.#usable
    usable.weightsChanged()
    this.#usableLoads = this.#loads.filter((_, i) => this.#weights[i]! > 0)
    let sum = 0
    for (let k = 0; k < usable.count; k++) sum += this.#weights[usable.indices[k]!]!
    if (sum === 0) return
    if (this.#pointsPerWeight === 0) this.#measure(sum)
    if (!this.#count(sum)) this.#build(sum)
  }

  /** How many points a weight of 1 is worth: decided once, because another measure moves keys. */
  #measure(sum: number): void {
    const { count } = this.#usable
    this.#pointsPerWeight = (Math.min(POINTS, ALL_POINTS / count) * count) / sum
  }

  /** false when someone has grown beyond its points on the ring. */
  #count(sum: number): boolean {
    let enough = true
    for (let i = 0; i < this.#weights.length; i++) {
      const weight = this.#weights[i]!
      this.#allowances[i] = weight > 0 ? (this.#factor * weight) / sum : 0
      this.#points[i] = weight > 0 ? Math.max(1, Math.round(weight * this.#pointsPerWeight)) : 0
      if (this.#points[i]! > this.#built[i]!) enough = false
    }
    return enough
  }

  /** Room to grow to the double, so that this is rare; a group that has grown too much is measured anew. */
  #build(sum: number): void {
    const built = this.#built
    const points = this.#points
    if (sum * this.#pointsPerWeight > ALL_POINTS * 2) {
      this.#measure(sum)
      this.#count(sum)
    }
    let size = 0
    for (let i = 0; i < built.length; i++) {
      if (points[i]! > built[i]!) built[i] = built[i] === 0 ? points[i]! : points[i]! * 2
      size += built[i]!
    }
    // Of what others had in their best days nothing is kept then.
    if (size > ALL_POINTS * 8) built.set(points)
    this.#ring = new HashRing(this.#keys, built)
  }

  /** All requests on their way and the new one; counts only until they are more than `needed`. */
  #inFlight(needed: number): number {
    const loads = this.#usableLoads
    let total = 1
    for (let k = 0; k < loads.length && total <= needed; k++) total += loads[k]!.inFlight
    return total
  }
}
