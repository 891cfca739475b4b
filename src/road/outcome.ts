// What an endpoint is told about a request that it had.
import { now } from '../base/clock.ts'
import { ERRORS, type Failure } from '../base/errors.ts'
import type { Exchange } from '../contract/exchange.ts'
import { FAILED_THERE, SUCCEEDED, UNKNOWN, type Outcome } from '../contract/upstream.ts'

/** The request failed before its head came: the endpoint's doing, unless the client or the gateway was the cause. */
export function settleFailed(x: Exchange, failure: Failure): void {
  const { current } = x.tries
  if (!current.unsettled) return
  const { kind } = failure
  if (kind.source !== 'upstream') current.settle(UNKNOWN, -1)
  // What was refused at once says nothing about how long a reply takes.
  else current.settle(FAILED_THERE, kind === ERRORS.upstreamConnect ? -1 : now() - current.startedAt)
}

/** The head has come, and nothing that went wrong later was the endpoint's fault. `at`: when it had answered. */
export function settleReplied(x: Exchange, at = x.respondedAt): void {
  const { current, status } = x.tries
  current.settle(outcomeOf(status), at - current.startedAt)
}

/** The Exchange is over. */
export function settleFinished(x: Exchange): void {
  const { current } = x.tries
  if (!current.unsettled) return
  const { failure } = x
  if (failure !== null && failure.kind.source === 'upstream') settleFailed(x, failure)
  else if (x.respondedAt > 0) settleReplied(x)
  else current.settle(UNKNOWN, -1)
}

function outcomeOf(status: number): Outcome {
  return status >= 500 ? FAILED_THERE : SUCCEEDED
}
