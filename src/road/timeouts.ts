// What an Exchange waits for, and for how long. One timer per Exchange measures the phase it is in, one the whole.
import { now } from '../base/clock.ts'
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
import { settleReplied } from './outcome.ts'
import type { RoadState } from './state.ts'

/** ms of a body after which the endpoint is told how it did: some go on for hours. */
const SETTLE_AFTER = 1000
/** Bytes in that time below which a body of known length drips: it counts as slow, although its head came soon. */
const DRIP = 1024

/** `limit`, or what is left of the time of one try if that is less; 0: no limit. */
function withinTry(x: Exchange, limit: number): number {
  const perTry = x.upstream!.retries?.perTry ?? 0
  if (perTry === 0) return limit
  const left = Math.max(1, x.tries.current.startedAt + perTry - now())
  return limit === 0 ? left : Math.min(limit, left)
}

export function connectionAwaited(x: Exchange, state: RoadState): void {
  wait(x, state, WAITING_FOR_CONNECTION, withinTry(x, x.upstream!.timeouts.connect))
}

/** The second of two requests is the one whose reply is awaited from now on. */
export function secondAwaited(x: Exchange, state: RoadState): void {
  if (x.tries.current.hasConnection) requestSent(x, state)
  else connectionAwaited(x, state)
}

/** The connection is there: from now on the client's upload is what is waited for, if there is one. */
export function connectionMade(x: Exchange, state: RoadState): void {
  x.tries.current.connected()
  x.waiting = WAITING_FOR_REQUEST_BODY
  if (x.body.length > 0 || x.body.length === -1) wait(x, state, WAITING_FOR_REQUEST_BODY, x.upstream!.timeouts.idle)
}

export function requestSent(x: Exchange, state: RoadState): void {
  if (x.respondedAt > 0) return
  // How long an upload took is the client's doing.
  if (x.body.length !== 0) x.tries.current.startedAt = now()
  wait(x, state, WAITING_FOR_HEAD, withinTry(x, x.upstream!.timeouts.response))
}

export function bodyBegins(x: Exchange, state: RoadState): void {
  const { idle } = x.upstream!.timeouts
  wait(x, state, WAITING_FOR_RESPONSE_BODY, idle === 0 ? SETTLE_AFTER : Math.min(idle, SETTLE_AFTER))
}

/** The body has gone on for a while. True: the clock of the idle time was wound, it was not that which fired. */
function settleLongReply(x: Exchange, state: RoadState): boolean {
  if (x.waiting !== WAITING_FOR_RESPONSE_BODY || !x.tries.current.unsettled) return false
  const drips = x.responseLength >= 0 && !x.clientSlow && x.progress - x.progressSeen < DRIP
  settleReplied(x, drips ? now() : x.respondedAt)
  const { idle } = x.upstream!.timeouts
  if (idle > 0 && idle <= SETTLE_AFTER) return false
  if (x.progress !== x.progressSeen) wait(x, state, WAITING_FOR_RESPONSE_BODY, idle)
  else if (idle > 0) state.wheel.arm(x.timer, idle - SETTLE_AFTER)
  return true
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
  if (settleLongReply(x, state)) return null
  switch (x.waiting) {
    case WAITING_FOR_PLUGIN:
      return new Failure(ERRORS.pluginTimeout, '', new Error(`plugin ${x.failedPlugin} did not settle`))
    case WAITING_FOR_CONNECTION:
      return new Failure(
        x.tries.current.attempt?.queued === true ? ERRORS.upstreamOverloaded : ERRORS.upstreamConnectTimeout,
      )
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
