export interface WireOptions {
  /** ms to an established connection; 0: no limit. */
  readonly connectTimeout: number
  /** Most connections to the endpoint. */
  readonly maxConnections: number
  /** Most requests that wait for one of them. */
  readonly queue: number
  /** ms that an idle connection is kept, unless the upstream wants less. */
  readonly keepAlive: number
  /** Requests after which a connection is closed. */
  readonly maxRequests: number
  /** bytes of a reply head, and of the trailers of a chunked body */
  readonly maxHeadSize: number
  /** Fields of a reply head. */
  readonly maxFields: number
  /** Requests that may be on their way on one connection. */
  readonly pipelining: number
}
