// The list of endpoints as it was told last.
import type { DiscoveredEndpoint } from './source.ts'

export class EndpointList {
  readonly #changed: (endpoints: readonly DiscoveredEndpoint[]) => void
  /** null until something is known. */
  #told: string | null = null

  constructor(changed: (endpoints: readonly DiscoveredEndpoint[]) => void) {
    this.#changed = changed
  }

  /** In the order of their importance: of those with the same url the first one counts. The first list is always told. */
  tell(endpoints: Iterable<DiscoveredEndpoint>): void {
    const byUrl = new Map<string, DiscoveredEndpoint>()
    for (const endpoint of endpoints) if (!byUrl.has(endpoint.url)) byUrl.set(endpoint.url, endpoint)
    const list = [...byUrl.values()].sort((a, b) => (a.url < b.url ? -1 : 1))
    const told = JSON.stringify(list)
    if (told === this.#told) return
    this.#told = told
    this.#changed(list)
  }
}
