// Those that may be picked at all: their indices, without holes. Kept by balancers that draw or walk.

export class Usable {
  /** Only the first `count` count. */
  readonly indices: Int32Array
  count = 0
  readonly #weights: Float64Array

  constructor(weights: Float64Array) {
    this.indices = new Int32Array(weights.length)
    this.#weights = weights
    this.weightsChanged()
  }

  weightsChanged(): void {
    const weights = this.#weights
    this.count = 0
    for (let i = 0; i < weights.length; i++) if (weights[i]! > 0) this.indices[this.count++] = i
  }
}
