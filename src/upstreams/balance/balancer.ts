// What all balancers share: who may be picked, and how an answer is given. Each balancer is one file that names its source.

/** What a balancer may know of an endpoint. */
export interface Load {
  /** Requests on their way. */
  readonly inFlight: number
  /** Expected latency, ms: follows a slow reply at once and falls slowly (peak EWMA). 0: nothing known yet. */
  readonly latency: number
}

/** Endpoints of one upstream, or of one of its zones, by index. */
export interface Candidates {
  readonly loads: readonly Load[]
  /** Share of each, relative to the others; 0: it gets nothing. Changed in place, and `weightsChanged` is called then. */
  readonly weights: Float64Array
}

export interface Balancer {
  /**
   * Index of the endpoint for the next request; -1 when every weight is 0. Allocates nothing.
   * `hash`: of what the request is known by, 32 bits without sign; only consistent hashing looks at it.
   */
  pick(hash: number): number
  weightsChanged(): void
}
