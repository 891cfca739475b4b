// Weighted random choice in constant time: the alias method (Walker 1977), its table built as Vose 1991 does.
//
// Cut a bar as long as all weights into n cells of equal length, each of which holds one or two candidates:
//
//   cell      0    1    2         weights 1, 5, 3 of 9; a cell is 3 long
//            |b b |b b |c c |     own part of cell 0: a third; the rest is of its alias, b
//            |b b |b b |c c |
//            |a a |b b |c c |
import type { Balancer, Candidates } from './balancer.ts'
import { RandomNumbers } from './random-numbers.ts'
import { Usable } from './usable.ts'

export class WeightedRandom implements Balancer {
  readonly #weights: Float64Array
  readonly #usable: Usable
  readonly #random: RandomNumbers
  /** By cell: the part of it that is its own. */
  readonly #own: Float64Array
  /** By cell: whose the rest is. */
  readonly #alias: Int32Array
  /** While the table is built: cells that are not full yet from the left, fuller than full from the right. */
  readonly #open: Int32Array

  constructor({ weights }: Candidates, random = new RandomNumbers()) {
    this.#weights = weights
    this.#usable = new Usable(weights)
    this.#random = random
    this.#own = new Float64Array(weights.length)
    this.#alias = new Int32Array(weights.length)
    this.#open = new Int32Array(weights.length)
    this.#build()
  }

  pick(): number {
    const { indices, count } = this.#usable
    if (count === 0) return -1
    const cell = this.#random.below(count)
    return indices[this.#random.fraction() < this.#own[cell]! ? cell : this.#alias[cell]!]!
  }

  weightsChanged(): void {
    this.#usable.weightsChanged()
    this.#build()
  }

  #build(): void {
    const { indices, count } = this.#usable
    const own = this.#own
    const open = this.#open
    let sum = 0
    for (let cell = 0; cell < count; cell++) sum += this.#weights[indices[cell]!]!
    let small = 0
    let large = count
    for (let cell = 0; cell < count; cell++) {
      own[cell] = (this.#weights[indices[cell]!]! / sum) * count
      if (own[cell]! < 1) open[small++] = cell
      else open[--large] = cell
    }
    while (small > 0 && large < count) {
      const poor = open[--small]!
      const rich = open[large]!
      this.#alias[poor] = rich
      own[rich]! -= 1 - own[poor]!
      if (own[rich]! >= 1) continue
      large++
      open[small++] = rich
    }
    // Rounding may leave some that are full but for a trifle.
    while (small > 0) own[open[--small]!] = 1
  }
}
