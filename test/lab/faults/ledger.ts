// What an endpoint counts. Plain data, apart from the series of arrivals, so that another process can be told.

/** Each request that arrived ends as one of the others. */
export interface RequestCounts {
  arrived: number
  /** As it should be, also late. */
  answered: number
  /** With the status of `errors`. */
  failed: number
  /** Never answered. */
  held: number
  dripped: number
  reset: number
  lied: number
  /** The connection was gone before the answer was due. */
  abandoned: number
}

export interface ConnectionCounts {
  accepted: number
  open: number
  /** Ended by a reset from here. */
  reset: number
  /** Ended by a FIN from here. */
  finished: number
  /** Ended by the client. */
  left: number
}

export function requestCounts(): RequestCounts {
  return { arrived: 0, answered: 0, failed: 0, held: 0, dripped: 0, reset: 0, lied: 0, abandoned: 0 }
}

export function connectionCounts(): ConnectionCounts {
  return { accepted: 0, open: 0, reset: 0, finished: 0, left: 0 }
}

/** Of one moment, by the wall clock: all processes of one machine have the same. */
export interface EndpointReport {
  readonly name: string
  readonly requests: RequestCounts
  /** Requests for the health path, which count nowhere else. */
  readonly health: RequestCounts
  readonly connections: ConnectionCounts
  /** `[start in ms since 1970, requests]`, ascending, without empty intervals and without health requests. */
  readonly arrivals: readonly (readonly [number, number])[]
}

/** An hour of the shortest interval that is sensible (100 ms): enough for any run, and bounded. */
const MOST_INTERVALS = 36_000

/** How many arrived in each interval. */
export class Arrivals {
  readonly #interval: number
  readonly #counts = new Map<number, number>()

  constructor(interval: number) {
    this.#interval = interval
  }

  note(now: number): void {
    const start = now - (now % this.#interval)
    const count = this.#counts.get(start) ?? 0
    this.#counts.set(start, count + 1)
    if (this.#counts.size > MOST_INTERVALS) this.#counts.delete(this.#counts.keys().next().value!)
  }

  list(): (readonly [number, number])[] {
    return [...this.#counts]
  }
}
