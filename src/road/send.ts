// The route's action: an answer of its own, or a request to an endpoint.
import { ERRORS, Failure } from '../base/errors.ts'
import { WAITING_FOR_CONNECTION, type Exchange } from '../contract/exchange.ts'
import { ANSWERED, PARKED, type Progress } from '../contract/verdict.ts'
import { writeUpstreamHead } from './forward.ts'
import { unmatched } from './match.ts'
import type { RoadState } from './state.ts'
import { transformRequest } from './transform.ts'

export function send(x: Exchange, state: RoadState): Progress {
  const route = x.route!
  if (x.preflight) return unmatched(x)
  if (route.respond !== null) {
    x.status = route.respond.status
    x.responseHead = route.respond.head
    x.localBody = route.respond.body
    return ANSWERED
  }
  if (route.redirect !== null) {
    x.status = route.redirect.status
    x.responseHeaders.push('location', route.redirect.location(x))
    x.localBody = ''
    return ANSWERED
  }
  const upstream = route.split === null ? route.upstream : route.split.pick()
  if (upstream === null) return unmatched(x)
  x.upstream = upstream
  const endpoint = upstream.pick()
  if (endpoint === null) return x.fail(new Failure(ERRORS.noEndpoint))
  x.endpoint = endpoint
  if (upstream.timeouts.total > 0) state.wheel.arm(x.totalTimer, upstream.timeouts.total)
  if (x.chain.requestBody !== null && x.body.length !== 0) transformRequest(x, x.chain.requestBody)
  attempt(x, state, false)
  return PARKED
}

/** Once more, on a connection that nobody has used: the reply to a stale keep-alive connection. */
export function sendAgain(x: Exchange, state: RoadState): void {
  attempt(x, state, true)
}

function attempt(x: Exchange, state: RoadState, fresh: boolean): void {
  const endpoint = x.endpoint!
  if (x.attempts++ === 0) endpoint.inFlight++
  writeUpstreamHead(x)
  x.waiting = WAITING_FOR_CONNECTION
  x.attempt = endpoint.transport.send(x, state.receiver, fresh)
  // On a connection that was there the request is under way by now, and a later clock runs.
  if (x.waiting !== WAITING_FOR_CONNECTION) return
  const { connect } = x.upstream!.timeouts
  if (connect > 0) state.wheel.arm(x.timer, connect)
}
