// The end of an Exchange: observe, log, give everything back.
import { now } from '../base/clock.ts'
import { ERRORS } from '../base/errors.ts'
import type { Exchange } from '../contract/exchange.ts'
import { dropSecond } from './hedge.ts'
import { settleFinished } from './outcome.ts'
import { unpin } from './pin.ts'
import type { RoadState } from './state.ts'
import { stopClocks } from './timeouts.ts'
import { exportSpans, sampleLate } from './trace.ts'

/** The upstream's body is complete and was taken. */
export function finish(x: Exchange, state: RoadState): void {
  x.reply.end()
  close(x, state)
}

/** The reply went out in one piece. */
export function finishWhole(x: Exchange, state: RoadState): void {
  cancelTries(x)
  close(x, state)
}

/** The client is gone or was cut off: the upstream request is cancelled and the Exchange never reused. */
export function abandon(x: Exchange, state: RoadState): void {
  x.shared = true
  cancelTries(x)
  close(x, state)
}

/** Requests that are on their way are given up. */
export function cancelTries(x: Exchange): void {
  x.tries.current.attempt?.cancel()
  dropSecond(x)
}

function close(x: Exchange, state: RoadState): void {
  x.finished = true
  const { current, hedgeTimer } = x.tries
  current.attempt = null
  stopClocks(x, state)
  state.wheel.disarm(x.totalTimer)
  state.wheel.disarm(hedgeTimer)
  settleFinished(x)
  current.end()
  sampleLate(x)
  // Metrics and logs say the same of a request that had no reply, whatever its upstream said.
  if (!x.headSent) x.status = ERRORS.clientGone.status
  count(x, state)
  runLog(x, state)
  if (x.spans !== null) exportSpans(x, x.spans, state)
  x.responseHead = null // it was lent, and a plugin may hold the Exchange longer
  unpin(x, state)
  // The listener still delivers the rest of the body to this object.
  if (!x.body.complete) x.shared = true
  // What waited for an upstream that does not want it any more is given back now, not when the object is collected.
  if (x.shared) x.body.discard()
  if (!x.shared) x.listener.recycle(x)
}

function count(x: Exchange, state: RoadState): void {
  const { failure } = x
  if (failure !== null) state.requests.failed(failure.kind.code)
  const { metrics } = x.route!
  const duration = now() - x.startedAt
  metrics.record(x.method, x.status, duration, x.body.received, x.bytesOut)
  if (x.sampled) metrics.sampled(x.traceId, duration, Date.now())
}

function runLog(x: Exchange, state: RoadState): void {
  const steps = x.chain.log
  if (steps === null) return
  for (let i = 0; i < steps.length; i++) {
    try {
      steps[i]!.run(x)
    } catch (error) {
      state.log.error({ plugin: steps[i]!.plugin, route: x.routeName, err: error }, 'log step failed')
    }
  }
}
