// Random numbers that cost a few ns and allocate nothing: sfc32 (Doty-Humphrey, PractRand 2010), 128 bits of state. Good
// enough to spread requests; for nothing that must not be guessed.
import { randomBytes } from 'node:crypto'

/** Numbers of the start that still look like the seed. */
const WARM_UP = 12

export class RandomNumbers {
  #a: number
  #b: number
  #c: number
  #counter = 1

  /** `seed`: at least 12 bytes. The same seed gives the same numbers. */
  constructor(seed: Buffer = randomBytes(12)) {
    this.#a = seed.readInt32LE(0)
    this.#b = seed.readInt32LE(4)
    this.#c = seed.readInt32LE(8)
    for (let i = 0; i < WARM_UP; i++) this.bits()
  }

  /** From 0 to `count` - 1, each as likely as the others. */
  below(count: number): number {
    return Math.floor(this.fraction() * count)
  }

  /** From 0 to below 1, in steps of 2^-32. */
  fraction(): number {
    return (this.bits() >>> 0) / 2 ** 32
  }

  /** 32 of them, signed: such numbers are kept in their fields, greater ones on the heap. */
  bits(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0
    return sum
  }
}
