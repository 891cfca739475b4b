// A state of two numbers per key, in typed arrays with a hard bound, for millions of keys that anybody may invent.
//
//   directory   [ a b a c ]            by the lowest bits of the hash; several entries may lead to one segment
//   segment a   set 0: [ slot x 8 ]    a key can be in the eight slots of one set only
//               set 1: [ slot x 8 ] ...
//
// A slot is the 64-bit hash of its key and the state; the key itself is not kept. The table grows by splitting one segment
// at a time (extendible hashing; Fagin et al., 1979), so that no request waits until millions of keys have moved.
//
// When a set is full and the table may not grow, the slot that owes least gives way: a state that is back where it
// started is lost without any effect, and one that has just begun is not worth much. A key that is being limited owes
// most, so nobody pushes it out with keys of one event each. The state itself is the clock that other tables keep apart.
import { hash, hashKey } from '../base/keyed-hash.ts'

const WAYS = 8
const SETS = 64
const SLOTS = SETS * WAYS
/** A full set splits its segment only when this many of its slots are taken; else the set is unlucky. */
const SPLIT_AT = SLOTS / 4

/** Slots per key: with so many, a set of eight is full before its time in one case of two hundred. */
const SPARE = 2.5

/** How much would be lost if a state were forgotten now, in ms; 0: nothing. */
export type Debt = (first: number, second: number, now: number) => number

class Segment {
  /** Bits of the hash that all keys in here have in common. */
  depth: number
  used = 0
  readonly hashes = new Int32Array(SLOTS * 2)
  readonly states = new Float64Array(SLOTS * 2)

  constructor(depth: number) {
    this.depth = depth
  }
}

const SEGMENT_BYTES = SLOTS * 2 * (Int32Array.BYTES_PER_ELEMENT + Float64Array.BYTES_PER_ELEMENT)

export class LimitTable {
  /** States of the segment in which `find` found its key. */
  states: Float64Array
  /** Keys that were forgotten while they owed something. */
  evicted = 0
  readonly #most: number
  readonly #debt: Debt
  #directory: Segment[] = [new Segment(0)]
  #mask = 0
  #segments = 1
  #used = 0

  /** 60 bytes for each of `maxKeys` when it is full. */
  constructor(maxKeys: number, debt: Debt) {
    this.#most = Math.max(1, Math.ceil((maxKeys * SPARE) / SLOTS))
    this.#debt = debt
    this.states = this.#directory[0]!.states
  }

  get keys(): number {
    return this.#used
  }

  get bytes(): number {
    return this.#segments * SEGMENT_BYTES
  }

  /** Index in `states` of the two numbers of `key`, zeros if it is new. Both are valid until the next call. */
  find(key: string, now: number): number {
    hashKey(key)
    // All zeros marks an empty slot.
    const low = hash.low === 0 && hash.high === 0 ? 1 : hash.low
    const { high } = hash
    const from = (high & (SETS - 1)) * WAYS * 2
    for (;;) {
      const segment = this.#directory[low & this.#mask]!
      const { hashes } = segment
      let at = -1
      for (let i = from; i < from + WAYS * 2; i += 2) {
        if (hashes[i] === low && hashes[i + 1] === high) {
          this.states = segment.states
          return i
        }
        if (at < 0 && hashes[i] === 0 && hashes[i + 1] === 0) at = i
      }
      if (at < 0) {
        if (segment.used >= SPLIT_AT && this.#segments < this.#most) {
          this.#split(segment)
          continue
        }
        at = this.#cheapest(segment, from, now)
      } else {
        segment.used++
        this.#used++
      }
      hashes[at] = low
      hashes[at + 1] = high
      this.states = segment.states
      this.states[at] = 0
      this.states[at + 1] = 0
      return at
    }
  }

  #cheapest({ states }: Segment, from: number, now: number): number {
    let cheapest = from
    let least = Infinity
    for (let i = from; i < from + WAYS * 2; i += 2) {
      const debt = this.#debt(states[i]!, states[i + 1]!, now)
      if (debt >= least) continue
      least = debt
      cheapest = i
    }
    if (least > 0) this.evicted++
    return cheapest
  }

  /** Keys whose next bit is 1 move to a segment of their own, at the same places. */
  #split(segment: Segment): void {
    const bit = 1 << segment.depth
    if (bit > this.#mask) {
      this.#directory = this.#directory.concat(this.#directory)
      this.#mask = this.#mask * 2 + 1
    }
    segment.depth++
    const other = new Segment(segment.depth)
    this.#segments++
    for (let i = 0; i < SLOTS * 2; i += 2) {
      const low = segment.hashes[i]!
      if ((low & bit) === 0) continue
      for (let k = i; k < i + 2; k++) {
        other.hashes[k] = segment.hashes[k]!
        other.states[k] = segment.states[k]!
        segment.hashes[k] = 0
      }
      segment.used--
      other.used++
    }
    for (let i = 0; i < this.#directory.length; i++) {
      if (this.#directory[i] === segment && (i & bit) !== 0) this.#directory[i] = other
    }
  }
}
