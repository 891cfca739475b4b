// What an Exchange waits for, and for how long. One timer per Exchange measures the phase it is in, one the whole.
import { ERRORS, Failure } from '../base/errors.ts'
import {
  WAITING_FOR_CONNECTION,
  WAITING_FOR_HEAD,
  WAITING_FOR_NOTHING,
  WAITING_FOR_PLUGIN,
  WAITING_FOR_REQUEST_BODY,
  WAITING_FOR_RESPONSE_BODY,
  type Exchange,
} from '../contract/exchange.ts'
import type { RoadState } from './state.ts'

/** The connection is there: from now on the client's upload is what is waited for, if there is one. */
export function connectionMade(x: Exchange, state: RoadState): void {
  x.waiting = WAITING_FOR_REQUEST_BODY
  if (x.body.length > 0 || x.body.length === -1) wait(x, state, WAITING_FOR_REQUEST_BODY, x.upstream!.timeouts.idle)
}

export function requestSent(x: Exchange, state: RoadState): void {
  if (x.respondedAt === 0) wait(x, state, WAITING_FOR_HEAD, x.upstream!.timeouts.response)
}

export function bodyBegins(x: Exchange, state: RoadState): void {
  wait(x, state, WAITING_FOR_RESPONSE_BODY, x.upstream!.timeouts.idle)
}

/** Nothing is waited for just now; the limit of the whole exchange goes on. */
export function stopClocks(x: Exchange, state: RoadState): void {
  x.waiting = WAITING_FOR_NOTHING
  state.wheel.disarm(x.timer)
}

function wait(x: Exchange, state: RoadState, what: number, limit: number): void {
  x.waiting = what
  x.progressSeen = x.progress
  if (limit > 0) state.wheel.arm(x.timer, limit)
  else state.wheel.disarm(x.timer)
}

/** A timer fired. Null: bytes have moved since, and it was armed again. */
export function expire(x: Exchange, state: RoadState, total: boolean): Failure | null {
  if (total) return new Failure(ERRORS.totalTimeout)
  switch (x.waiting) {
    case WAITING_FOR_PLUGIN:
      return new Failure(ERRORS.pluginTimeout, '', new Error(`plugin ${x.failedPlugin} did not settle`))
    case WAITING_FOR_CONNECTION:
      return new Failure(x.attempt?.queued ? ERRORS.upstreamOverloaded : ERRORS.upstreamConnectTimeout)
    case WAITING_FOR_HEAD:
      return new Failure(ERRORS.upstreamResponseTimeout)
    case WAITING_FOR_REQUEST_BODY:
    case WAITING_FOR_RESPONSE_BODY:
      if (x.progress !== x.progressSeen) {
        wait(x, state, x.waiting, x.upstream!.timeouts.idle)
        return null
      }
      return new Failure(clientStalls(x) ? ERRORS.clientStalled : ERRORS.upstreamIdleTimeout)
  }
  return null
}

/** While an upload runs, bytes that do not come are the client's fault unless it was told to pause. */
function clientStalls(x: Exchange): boolean {
  return x.waiting === WAITING_FOR_RESPONSE_BODY ? x.clientSlow : !x.body.paused
}
