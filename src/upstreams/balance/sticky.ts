// The name of an endpoint in a cookie: the same in every worker and after every start, without showing the address.
import { createHash } from 'node:crypto'

/** 72 bits: two of a million endpoints share a name with a likelihood of 1 in 10^10. */
const LENGTH = 12

/** Costs a SHA-256: to be kept, not asked for by request. Whoever knows all addresses in question can tell which it is. */
export function endpointId(upstream: string, url: string): string {
  return createHash('sha256')
    .update(JSON.stringify([upstream, url]))
    .digest('base64url')
    .slice(0, LENGTH)
}
