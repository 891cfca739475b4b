// The ring of consistent hashing (Karger and others 1997): each owner has points on a circle of 2^32 places, and a hash
// belongs to the owner of the next point. Points depend on the owner's key and their number alone, so that another owner
// more or less moves only what it gets or had.
//
// The circle is cut into as many equal arcs as there are points, about; `firsts` tells the first point of each arc. So the
// next point is found by a look and a step or two instead of by halving the ring a dozen times.
import { hashOf } from './hash-of.ts'

/** Points are sorted as one number, place first: place * 2^20 + number of the point, exact below 2^53. */
const MOST_POINTS = 2 ** 20

export class HashRing {
  /** Sorted. */
  readonly #places: Uint32Array
  readonly #firsts: Int32Array
  readonly #shift: number
  /** By point: whose it is, and its number among the owner's own. */
  readonly owners: Uint32Array
  readonly numbers: Uint32Array

  /** `counts`: points of each owner; together at most 2^20. */
  constructor(keys: readonly string[], counts: Uint32Array) {
    const size = counts.reduce((sum, count) => sum + count, 0)
    if (size > MOST_POINTS) throw new RangeError(`a ring has ${MOST_POINTS} points at most, not ${size}`)
    const owners = new Uint32Array(size)
    const numbers = new Uint32Array(size)
    const sorted = new Float64Array(size)
    let id = 0
    for (let owner = 0; owner < keys.length; owner++) {
      for (let number = 0; number < counts[owner]!; number++) {
        owners[id] = owner
        numbers[id] = number
        sorted[id] = hashOf(`${keys[owner]!}#${number}`) * MOST_POINTS + id
        id++
      }
    }
    sorted.sort()
    this.#places = Uint32Array.from(sorted, (point) => Math.floor(point / MOST_POINTS))
    this.owners = Uint32Array.from(sorted, (point) => owners[point % MOST_POINTS]!)
    this.numbers = Uint32Array.from(sorted, (point) => numbers[point % MOST_POINTS]!)
    const bits = Math.max(1, Math.ceil(Math.log2(size)))
    this.#shift = 32 - bits
    this.#firsts = firstsOf(this.#places, bits, this.#shift)
  }

  get size(): number {
    return this.#places.length
  }

  /** The first point at `hash` or after it, round the circle; of an empty ring 0. */
  next(hash: number): number {
    const places = this.#places
    let point = this.#firsts[hash >>> this.#shift]!
    while (point < places.length && places[point]! < hash) point++
    return point < places.length ? point : 0
  }
}

/** By arc: the first point in it or after it. */
function firstsOf(places: Uint32Array, bits: number, shift: number): Int32Array {
  const firsts = new Int32Array(2 ** bits)
  let point = 0
  for (let arc = 0; arc < firsts.length; arc++) {
    while (point < places.length && places[point]! >>> shift < arc) point++
    firsts[arc] = point
  }
  return firsts
}
