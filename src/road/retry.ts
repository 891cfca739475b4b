// One safe retry: a keep-alive connection that the upstream closed just as the request left. Nothing of a reply was
// seen, the request may be repeated (RFC 9110 section 9.2.2), and its body was not touched.
import { ERRORS, type Failure } from '../base/errors.ts'
import type { Exchange } from '../contract/exchange.ts'

const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])

export function mayRetry(x: Exchange, failure: Failure): boolean {
  return (
    x.attempts === 1 &&
    failure.kind === ERRORS.upstreamReset &&
    IDEMPOTENT.has(x.method) &&
    !x.body.consumed &&
    !x.headSent
  )
}
