// What a reply's head does for the requests that follow: it binds the client to its endpoint, and tells how loaded that is.
import type { Exchange } from '../contract/exchange.ts'

export function adviseUpstream(x: Exchange): void {
  const { sticky, readsLoad } = x.upstream!
  if (sticky !== null) {
    const cookie = sticky.bind(x)
    if (cookie !== '') x.addResponseHeader('set-cookie', cookie)
  }
  if (!readsLoad) return
  // Per-endpoint load, or ORCA's text form: https://github.com/cncf/xds, data/orca.
  const load = field(x, 'x-endpoint-load') || field(x, 'endpoint-load-metrics')
  if (load !== '') x.tries.current.endpoint!.reported(load)
}

function field(x: Exchange, name: string): string {
  return x.responseHead === null ? x.responseHeaders.find(name) : x.responseHead.find(name)
}
