// What is counted of the requests of one route. The main road writes cells of typed arrays; names, labels and text are
// made when somebody reads.
import { BOUNDS, bucketOf, Durations } from './durations.ts'
import type { Exemplar, Labels } from './metrics.ts'

/** Distinct pairs of method and status that are told apart; what comes above is counted under the status `other`. */
const MOST_PAIRS = 64
/** Few: of many thousand routes most are asked for in one way, or not at all. */
const FIRST_SLOTS = 4
const NO_PAIR = 0
const OTHER_STATUS = 0

const METHODS = ['other', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'] as const

/** What was counted for one method and status. */
export interface PairCount {
  readonly method: string
  /** `other` for those that were too many. */
  readonly code: string
  readonly count: number
}

export class RouteMetrics {
  readonly labels: Labels
  readonly durations = new Durations()
  /** The latest sampled request of each bucket of the histogram; null until a sampled request ends. */
  exemplars: (Exemplar | null)[] | null = null
  /** [bytes in, bytes out] */
  readonly #bytes = new Float64Array(2)
  /** Pairs, and those of them whose status is told. */
  #size = 0
  #told = 0
  #keys = new Int32Array(FIRST_SLOTS)
  #counts = new Float64Array(FIRST_SLOTS)
  /** Of those that are counted as `other`, by the first digit of their status; null while there are none. */
  #otherByClass: Float64Array | null = null

  constructor(route: string) {
    this.labels = { route }
  }

  /** `duration`: ms. `status`: 499 when the client went away before there was one. */
  record(method: string, status: number, duration: number, bytesIn: number, bytesOut: number): void {
    this.durations.record(duration)
    const bytes = this.#bytes
    bytes[0] = bytes[0]! + bytesIn
    bytes[1] = bytes[1]! + bytesOut
    const slot = this.#slot((status << 4) | methodIndex(method))
    this.#counts[slot] = this.#counts[slot]! + 1
  }

  /** A request of this trace took so long (ms) and ended at `time` (Unix ms). */
  sampled(traceId: string, duration: number, time: number): void {
    this.exemplars ??= Array.from({ length: BOUNDS.length + 1 }, () => null)
    const value = duration / 1000
    this.exemplars[bucketOf(value)] = { traceId, value, time: time / 1000 }
  }

  get bytesIn(): number {
    return this.#bytes[0]!
  }

  get bytesOut(): number {
    return this.#bytes[1]!
  }

  *pairs(): Iterable<PairCount> {
    // A larger table may take its place between two pairs, and has them elsewhere.
    const counts = this.#counts
    for (const [slot, key] of this.#keys.entries()) {
      if (key === NO_PAIR) continue
      const status = key >> 4
      yield {
        method: METHODS[(key & 15) - 1]!,
        code: status === OTHER_STATUS ? 'other' : String(status),
        count: counts[slot]!,
      }
    }
  }

  /** Replies with a status of `hundreds` times a hundred and above, below the next. */
  ofClass(hundreds: number): number {
    let sum = this.#otherByClass?.[hundreds] ?? 0
    for (const [slot, key] of this.#keys.entries())
      if (Math.trunc((key >> 4) / 100) === hundreds) sum += this.#counts[slot]!
    return sum
  }

  /** Where a pair is counted: open addressing, as a Map would make an object of every key. */
  #slot(key: number): number {
    const keys = this.#keys
    const mask = keys.length - 1
    for (let slot = Math.imul(key, 0x9e37_79b1) >>> 16; ; slot++) {
      const there = keys[slot & mask]!
      if (there === key) return slot & mask
      if (there === NO_PAIR) return this.#add(key, slot & mask)
    }
  }

  #add(key: number, free: number): number {
    const isTold = key >> 4 !== OTHER_STATUS
    if (isTold && this.#told === MOST_PAIRS) {
      const digit = Math.trunc((key >> 4) / 100)
      const counts = (this.#otherByClass ??= new Float64Array(10))
      counts[digit] = counts[digit]! + 1
      return this.#slot((OTHER_STATUS << 4) | (key & 15))
    }
    if ((this.#size + 1) * 2 > this.#keys.length) {
      this.#grow()
      return this.#slot(key)
    }
    this.#size++
    if (isTold) this.#told++
    this.#keys[free] = key
    return free
  }

  #grow(): void {
    const keys = this.#keys
    const counts = this.#counts
    this.#keys = new Int32Array(keys.length * 2)
    this.#counts = new Float64Array(keys.length * 2)
    this.#size = 0
    this.#told = 0
    for (const [slot, key] of keys.entries()) if (key !== NO_PAIR) this.#counts[this.#slot(key)] = counts[slot]!
  }
}

/** 1 and above, so that no key is NO_PAIR. */
function methodIndex(method: string): number {
  switch (method) {
    case 'GET':
      return 2
    case 'HEAD':
      return 3
    case 'POST':
      return 4
    case 'PUT':
      return 5
    case 'DELETE':
      return 6
    case 'PATCH':
      return 7
    case 'OPTIONS':
      return 8
    default:
      return 1
  }
}
