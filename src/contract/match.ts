// What the router needs to know of a request, and where it leaves its finding. The Exchange is one.
import type { HeaderList } from '../base/headers.ts'
import type { MatchConfig } from '../config/schema.ts'

/** No route has this host and path (or its conditions do not hold). */
export const NOT_FOUND = -1
/** A route has this host and path, but none has the method; `allow` of the router says which. */
export const METHOD_NOT_ALLOWED = -2

export interface Matchable {
  readonly method: string
  /** Lower case, without port and trailing dot. */
  readonly host: string
  /** Canonical path, begins with '/'. */
  readonly path: string
  /** The query with its '?', or ''. */
  readonly search: string
  readonly headers: HeaderList
  /** [start, end) pairs into `path`, one per parameter of the matched route, in order. */
  readonly offsets: Int32Array
}

/**
 * What the router is built from: index in the array is the route's number and its order in the file. The same object as
 * before is a route that has not changed.
 */
export interface RoutePattern {
  readonly name: string
  readonly match?: MatchConfig
  /** 0 when absent. */
  readonly priority?: number
}
