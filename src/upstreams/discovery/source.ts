// Where the endpoints of an upstream come from when they are not written down.

/** One endpoint, as a source tells it. */
export interface DiscoveredEndpoint {
  /** Origin, e.g. `http://10.0.0.1:8080`. */
  readonly url: string
  /** Whole number from 0. */
  readonly weight: number
  /** '' when the source does not say. */
  readonly zone: string
  readonly region: string
  readonly metadata: Readonly<Record<string, string>>
}

export interface EndpointSource {
  /**
   * Begins to look, and calls `changed` with the whole list whenever it differs from the last one: sorted by url, each
   * url once. An error never empties the list: the last good one stays until the source itself says otherwise.
   */
  start(changed: (endpoints: readonly DiscoveredEndpoint[]) => void): void
  /** Stops for good: nothing is called, and nothing is left open, afterwards. */
  close(): void
  /** Why the last look failed; null when it did not. */
  readonly error: Error | null
}
