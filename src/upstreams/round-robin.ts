// Smooth weighted round-robin, as nginx does it (commit 52327e0627f4, 2012): in every window of the weights' sum each
// candidate comes exactly as often as its weight says, and as evenly spread as possible.

export class RoundRobin {
  readonly #weights: Int32Array
  readonly #current: Int32Array
  readonly #total: number

  /** Whole weights from 0; a weight of 0 is never picked. */
  constructor(weights: readonly number[]) {
    this.#weights = Int32Array.from(weights)
    this.#current = new Int32Array(weights.length)
    this.#total = weights.reduce((sum, weight) => sum + weight, 0)
  }

  /** Index of the next candidate; -1 when all weights are 0. */
  pick(): number {
    const weights = this.#weights
    const current = this.#current
    let best = -1
    for (let i = 0; i < weights.length; i++) {
      const weight = weights[i]!
      if (weight === 0) continue
      current[i]! += weight
      if (best < 0 || current[i]! > current[best]!) best = i
    }
    if (best >= 0) current[best]! -= this.#total
    return best
  }
}
