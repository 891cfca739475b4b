// The route's action: an answer of its own, or a request to an endpoint.
import { now } from '../base/clock.ts'
import { ERRORS, Failure } from '../base/errors.ts'
import { WAITING_FOR_CONNECTION, type Exchange } from '../contract/exchange.ts'
import type { FixedReply } from '../contract/snapshot.ts'
import type { RetryPolicy } from '../contract/upstream.ts'
import { ANSWERED, PARKED, type Progress } from '../contract/verdict.ts'
import { writeUpstreamHead } from './forward.ts'
import { mayHedge } from './hedge.ts'
import { unmatched } from './match.ts'
import type { RoadState } from './state.ts'
import { connectionAwaited } from './timeouts.ts'
import { traceTry } from './trace.ts'
import { transformRequest } from './transform.ts'

export function send(x: Exchange, state: RoadState): Progress {
  const route = x.route!
  if (x.preflight) return unmatched(x)
  if (route.respond !== null) return answer(x, route.respond)
  if (route.redirect !== null) {
    x.status = route.redirect.status
    x.responseHeaders.push('location', route.redirect.location(x))
    x.localBody = ''
    return ANSWERED
  }
  const upstream = route.split === null ? route.upstream : route.split.pick()
  if (upstream === null) return unmatched(x)
  x.upstream = upstream
  if (upstream.timeouts.total > 0) state.wheel.arm(x.totalTimer, upstream.timeouts.total)
  if (x.chain.requestBody !== null && x.body.length !== 0) transformRequest(x, x.chain.requestBody)
  return dispatch(x, state)
}

/** To an endpoint of the upstream, or of the one that stands in for it. */
export function dispatch(x: Exchange, state: RoadState): Progress {
  for (;;) {
    const upstream = x.upstream!
    const { retries, fallback } = upstream
    if (retries !== null && x.tries.retries === 0) prepareRetries(x, retries)
    const endpoint = upstream.pick(x)
    if (endpoint !== null) {
      x.tries.current.begin(endpoint, now())
      attempt(x, state, false)
      return PARKED
    }
    if (fallback === null) return x.fail(new Failure(upstream.isOpen ? ERRORS.circuitOpen : ERRORS.noEndpoint))
    if (fallback.respond !== null) return answer(x, fallback.respond)
    x.upstream = fallback.upstream
  }
}

/** Once more, on a connection that nobody has used: the reply to a stale keep-alive connection. */
export function sendAgain(x: Exchange, state: RoadState): void {
  x.tries.current.again = true
  // Its bytes must not go to the request that is over while the new connection is made.
  x.body.rewind()
  attempt(x, state, true)
}

function answer(x: Exchange, reply: FixedReply): typeof ANSWERED {
  x.status = reply.status
  x.responseHead = reply.head
  x.localBody = reply.body
  return ANSWERED
}

function prepareRetries(x: Exchange, policy: RetryPolicy): void {
  policy.budget.requested()
  const { body } = x
  if (body.length !== 0 && body.length <= policy.bodyLimit && policy.methods.has(x.method)) body.keep(policy.bodyLimit)
}

function attempt(x: Exchange, state: RoadState, fresh: boolean): void {
  const { current } = x.tries
  x.tries.count++
  writeUpstreamHead(x)
  traceTry(x, current, false)
  x.waiting = WAITING_FOR_CONNECTION
  current.attempt = current.endpoint!.transport.send(x, state.receiver, fresh)
  const { hedge } = x.upstream!
  if (hedge !== null && mayHedge(x)) {
    hedge.budget.requested()
    const after = hedge.after()
    if (after > 0) state.wheel.arm(x.tries.hedgeTimer, after)
  }
  // On a connection that was there the request is under way by now, and a later clock runs.
  if (x.waiting === WAITING_FOR_CONNECTION) connectionAwaited(x, state)
}
