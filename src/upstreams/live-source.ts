// The last list of a source, for every upstream that wants it, whenever it comes.
import type { DiscoveredEndpoint, EndpointSource } from './discovery/source.ts'

export class LiveSource {
  readonly source: EndpointSource
  endpoints: readonly DiscoveredEndpoint[] = []
  /** Resolves when the source has told its endpoints for the first time. */
  readonly told: Promise<void>
  readonly #listeners = new Set<(endpoints: readonly DiscoveredEndpoint[]) => void>()
  #toldOnce!: () => void

  constructor(source: EndpointSource, serving: boolean) {
    this.source = source
    this.told = new Promise<void>((done) => (this.#toldOnce = done))
    if (serving) source.start((endpoints) => this.tell(endpoints))
  }

  get listeners(): number {
    return this.#listeners.size
  }

  tell(endpoints: readonly DiscoveredEndpoint[]): void {
    this.endpoints = endpoints
    this.#toldOnce()
    for (const listener of this.#listeners) listener(endpoints)
  }

  /** Calls `listener` with the list there is, and with every later one. Returns how to stop listening. */
  listen(listener: (endpoints: readonly DiscoveredEndpoint[]) => void): () => void {
    this.#listeners.add(listener)
    listener(this.endpoints)
    return () => void this.#listeners.delete(listener)
  }

  close(): void {
    this.source.close()
  }
}
