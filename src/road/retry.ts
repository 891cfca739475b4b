// Another try for a request that failed before its client got a byte.
import { ERRORS, type Failure } from '../base/errors.ts'
import { WAITING_FOR_RETRY, type Exchange } from '../contract/exchange.ts'
import { CONNECT_FAILURE, IDEMPOTENT, RESET, STATUS, TIMEOUT } from '../contract/upstream.ts'
import { settleFailed, settleReplied } from './outcome.ts'
import type { RoadState } from './state.ts'

/**
 * A keep-alive connection that the upstream closed just as the request left: nothing of a reply was seen, the request may
 * be repeated (RFC 9110 section 9.2.2), and its body was not touched. Says nothing about the endpoint, and costs no budget.
 */
export function wasStale(x: Exchange, failure: Failure): boolean {
  return (
    !x.tries.current.again &&
    failure.kind === ERRORS.upstreamReset &&
    IDEMPOTENT.has(x.method) &&
    !x.body.consumed &&
    !x.headSent
  )
}

/** True: the request waits for its next try. */
export function retryAfterFailure(x: Exchange, failure: Failure, state: RoadState): boolean {
  const reason = reasonOf(failure)
  // After the head it is too late: plugins have seen it, and may wait for a promise right now.
  if (reason === 0 || x.respondedAt > 0 || !mayTryAgain(x, reason)) return false
  settleFailed(x, failure)
  scheduleTry(x, state)
  return true
}

/** The head of a reply is there, and its status is a reason to ask again. True: it is dropped, and the request waits. */
export function retryAfterStatus(x: Exchange, state: RoadState): boolean {
  if (!x.upstream!.retries!.statuses.has(x.status) || !mayTryAgain(x, STATUS)) return false
  settleReplied(x)
  x.tries.current.attempt!.cancel()
  x.tries.status = 0
  x.status = 0
  x.respondedAt = 0
  x.responseHead = null
  x.responseHeaders.clear()
  x.responseLength = 0
  scheduleTry(x, state)
  return true
}

function reasonOf({ kind }: Failure): number {
  switch (kind) {
    case ERRORS.upstreamConnect:
    case ERRORS.upstreamConnectTimeout:
    case ERRORS.upstreamOverloaded: // no connection was free: the request never left
      return CONNECT_FAILURE
    case ERRORS.upstreamReset:
    case ERRORS.upstreamProtocol:
    case ERRORS.upstreamTruncated:
    case ERRORS.upstreamHeadTooLarge:
      return RESET
    case ERRORS.upstreamResponseTimeout:
      return TIMEOUT
  }
  return 0
}

function mayTryAgain(x: Exchange, reason: number): boolean {
  const { upstream, tries } = x
  const policy = upstream?.retries ?? null
  if (policy === null || x.headSent || tries.retries >= policy.attempts) return false
  if (reason !== STATUS && (policy.reasons & reason) === 0) return false
  // A request that never reached an upstream can be sent to another one, whatever it does.
  if (reason !== CONNECT_FAILURE && !policy.methods.has(x.method)) return false
  if (!x.body.replayable || (policy.elsewhere && !upstream!.hasOther(x))) return false
  return policy.budget.take()
}

function scheduleTry(x: Exchange, state: RoadState): void {
  const { tries } = x
  tries.failed.push(tries.current.endpoint!)
  tries.current.end()
  tries.current.attempt = null
  x.body.rewind()
  // The next try may be for an upstream that does not hedge.
  state.wheel.disarm(tries.hedgeTimer)
  x.waiting = WAITING_FOR_RETRY
  state.wheel.arm(x.timer, x.upstream!.retries!.backoff(++tries.retries))
}
