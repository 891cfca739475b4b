// The end of an Exchange: observe, log, give everything back.
import type { Exchange } from '../contract/exchange.ts'
import { unpin } from './pin.ts'
import type { RoadState } from './state.ts'
import { stopClocks } from './timeouts.ts'

/** The upstream's body is complete and was taken. */
export function finish(x: Exchange, state: RoadState): void {
  x.reply.end()
  close(x, state)
}

/** The reply went out in one piece. */
export function finishWhole(x: Exchange, state: RoadState): void {
  x.attempt?.cancel()
  close(x, state)
}

/** The client is gone or was cut off: the upstream request is cancelled and the Exchange never reused. */
export function abandon(x: Exchange, state: RoadState): void {
  x.shared = true
  x.attempt?.cancel()
  close(x, state)
}

function close(x: Exchange, state: RoadState): void {
  x.finished = true
  x.attempt = null
  stopClocks(x, state)
  state.wheel.disarm(x.totalTimer)
  if (x.endpoint !== null) x.endpoint.inFlight--
  runLog(x, state)
  x.responseHead = null // it was lent, and a plugin may hold the Exchange longer
  unpin(x, state)
  // The listener still delivers the rest of the body to this object.
  if (!x.body.complete) x.shared = true
  // What waited for an upstream that does not want it any more is given back now, not when the object is collected.
  if (x.shared) x.body.discard()
  if (!x.shared) x.listener.recycle(x)
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
