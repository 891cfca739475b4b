// The main road: what happens to a request, from head to last byte, in the order in which it happens.
import { now } from '../base/clock.ts'
import { ERRORS, Failure } from '../base/errors.ts'
import type { TimerWheel } from '../base/timer-wheel.ts'
import type { BodyTransform } from '../contract/body-transform.ts'
import { WAITING_FOR_RETRY, type Exchange } from '../contract/exchange.ts'
import type { Road } from '../contract/road.ts'
import type { Snapshot } from '../contract/snapshot.ts'
import type { ResponseReceiver } from '../contract/transport.ts'
import { ANSWERED, FAILED, NEXT, PARKED, type Progress } from '../contract/verdict.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { RequestMetrics } from '../telemetry/request-metrics.ts'
import { bodyFailure, fail, failStep } from './fail.ts'
import { abandon, finish } from './finish.ts'
import { guard } from './guard.ts'
import { match } from './match.ts'
import { access, request, response } from './phases.ts'
import { pin } from './pin.ts'
import { forwardBody, reply, resumeBody } from './reply.ts'
import { dropSecond, hedge, promoteSecond } from './hedge.ts'
import { settleFailed } from './outcome.ts'
import { retryAfterFailure, retryAfterStatus, wasStale } from './retry.ts'
import { dispatch, send, sendAgain } from './send.ts'
import type { RoadState, Stage } from './state.ts'
import { connectionMade, expire, requestSent, secondAwaited, stopClocks } from './timeouts.ts'
import { adviseUpstream } from './advice.ts'
import { trace } from './trace.ts'

const ROAD: readonly Stage[] = [
  pin, //      the snapshot that this request sees to its end
  guard, //    framing and head checks that the engine does not make; client address
  match, //    canonical path -> Route, parameters as offsets; 404 / 405 + Allow
  trace, //    is the request recorded, and in which trace?
  access, //   plugins that may answer
  request, //  plugins that change what is forwarded
  send, //     the route's own reply, or an endpoint and the transport; parks until the head is there
  response, // plugins that see the head of the reply
  reply, //    head as one block; the body streams on its own
]
/** By `x.stage`. */
export const STAGE_NAMES: readonly string[] = ROAD.map(({ name }) => name)
const RESPONSE = ROAD.indexOf(response)
const REPLY = ROAD.indexOf(reply)

/** Drives Exchanges along the road. One per worker; it is also what listeners and transports report to. */
export class MainRoad implements Road, ResponseReceiver {
  readonly state: RoadState

  constructor(initial: Snapshot, requests: RequestMetrics, wheel: TimerWheel, log: Logger) {
    this.state = { current: initial, inFlight: 0, newest: null, oldest: null, requests, wheel, log, receiver: this }
  }

  handle(x: Exchange): void {
    this.#advance(x)
  }

  /** Runs stages until one parks the Exchange or the last is done. The one place where a throw is caught. */
  #advance(x: Exchange): void {
    while (x.stage < ROAD.length) {
      let progress: Progress
      try {
        progress = ROAD[x.stage]!(x, this.state)
      } catch (error) {
        progress = failStep(x, error)
      }
      if (x.finished || progress === PARKED) return
      this.#step(x, progress)
    }
  }

  #step(x: Exchange, progress: Progress): void {
    x.resumeAt = 0
    if (progress !== FAILED) x.failedPlugin = ''
    if (progress === NEXT) x.stage++
    else if (progress === ANSWERED) x.stage = RESPONSE
    else {
      // A response step that fails is not run again on the reply about its failure.
      x.stage = x.stage >= RESPONSE ? REPLY : RESPONSE
      fail(x, this.state)
    }
  }

  settled(x: Exchange, verdict: unknown): void {
    if (x.finished) return
    stopClocks(x, this.state)
    if (x.spans !== null) x.spans.goesOn()
    const known = verdict === ANSWERED || verdict === FAILED
    if (known) this.#step(x, verdict)
    this.#advance(x)
  }

  rejected(x: Exchange, error: unknown): void {
    if (x.finished) return
    stopClocks(x, this.state)
    this.#step(x, failStep(x, error))
    this.#advance(x)
  }

  received(x: Exchange, bytes: Uint8Array, last: boolean): void {
    if (x.finished) return
    x.progress += bytes.byteLength
    try {
      if (x.body.receive(bytes, last)) return
    } catch (error) {
      // No room for what has to wait. Nothing may be thrown into the engine.
      this.#fail(x, new Failure(ERRORS.internal, '', error))
      return
    }
    this.#fail(x, new Failure(ERRORS.bodyTooLarge, `At most ${x.body.limit} bytes are allowed.`))
  }

  connected(x: Exchange): void {
    connectionMade(x, this.state)
  }

  sent(x: Exchange): void {
    requestSent(x, this.state)
  }

  head(x: Exchange): void {
    stopClocks(x, this.state)
    const { tries, upstream } = x
    if (tries.second !== null) dropSecond(x)
    if (tries.hedgeTimer.armed) this.state.wheel.disarm(tries.hedgeTimer)
    x.respondedAt = now()
    tries.status = x.status
    if (tries.current.span !== null) tries.current.span.status = x.status
    if (x.status >= 400 && upstream!.retries !== null && retryAfterStatus(x, this.state)) return
    if (x.body.length !== 0) x.body.keep(0)
    if (upstream!.sticky !== null || upstream!.readsLoad) adviseUpstream(x)
    x.stage = RESPONSE
    const { attempt } = tries.current
    this.#advance(x)
    // The steps wait for a promise: the body must wait too. The Exchange may be another request's by now, the attempt not.
    if (!x.headSent && !x.finished) attempt?.pause()
  }

  data(x: Exchange, bytes: Uint8Array): void {
    if (x.finished) return
    if (x.responsePipe === null) {
      forwardBody(x, bytes)
      return
    }
    // A transform that keeps what it gets moves nothing on, and yet the upstream does not stall.
    x.progress += bytes.byteLength
    this.#transform(x, x.responsePipe, bytes)
  }

  /** `bytes` null: the body is complete. False: it failed. */
  #transform(x: Exchange, pipe: BodyTransform, bytes: Uint8Array | null): boolean {
    let out: Uint8Array | null
    try {
      out = bytes === null ? pipe.end() : pipe.chunk(bytes)
    } catch (error) {
      this.#fail(x, bodyFailure(error))
      return false
    }
    if (out !== null && out.byteLength > 0) forwardBody(x, out)
    return true
  }

  ended(x: Exchange): void {
    x.tries.current.attempt = null
    if (x.finished) return
    if (x.responsePipe !== null && !x.bodyless && !this.#transform(x, x.responsePipe, null)) return
    if (!x.headSent || x.clientSlow) {
      x.endedEarly = true
      x.openHead() // it was lent for as long as the attempt ran
    } else finish(x, this.state)
  }

  drained(x: Exchange): void {
    if (x.finished || !x.clientSlow) return
    x.clientSlow = false
    if (x.endedEarly) finish(x, this.state)
    else resumeBody(x)
  }

  failed(x: Exchange, failure: Failure, untouched: boolean): void {
    const { current } = x.tries
    current.attempt = null
    if (x.finished) return
    if (current.span !== null) current.span.failed(failure)
    if (untouched && wasStale(x, failure)) sendAgain(x, this.state)
    else this.#tryFailed(x, failure)
  }

  timedOut(x: Exchange, total: boolean): void {
    if (x.finished) return
    if (!total && x.waiting === WAITING_FOR_RETRY) this.#tryAgain(x)
    else {
      const failure = expire(x, this.state, total)
      if (failure !== null) this.#tryFailed(x, failure)
    }
  }

  hedgeDue(x: Exchange): void {
    if (!x.finished) hedge(x, this.state)
  }

  #tryAgain(x: Exchange): void {
    const progress = dispatch(x, this.state)
    if (progress === PARKED) return
    this.#step(x, progress)
    this.#advance(x)
  }

  /** The request to the upstream has failed, or took too long: another may take its place. */
  #tryFailed(x: Exchange, failure: Failure): void {
    const { current, second } = x.tries
    stopClocks(x, this.state)
    if (current.span !== null) current.span.failed(failure)
    current.attempt?.cancel()
    if (second !== null && failure.kind !== ERRORS.totalTimeout) {
      settleFailed(x, failure)
      promoteSecond(x)
      secondAwaited(x, this.state)
      return
    }
    if (retryAfterFailure(x, failure, this.state)) return
    this.#fail(x, failure)
  }

  bodyFailed(x: Exchange, error: unknown): void {
    if (!x.finished) this.#fail(x, bodyFailure(error))
  }

  malformed(x: Exchange): void {
    if (!x.finished) this.#fail(x, new Failure(ERRORS.badFraming))
  }

  aborted(x: Exchange): void {
    if (x.finished) return
    x.failure ??= new Failure(ERRORS.clientGone)
    abandon(x, this.state)
  }

  /** Fails an Exchange that waits: with a problem reply if nothing was sent, else by cutting the connection. */
  #fail(x: Exchange, failure: Failure): void {
    x.failure = failure
    x.parks++ // whatever it waited for comes too late
    if (x.headSent) {
      // Closed here first: uWS reports a connection that it is told to close as aborted, and this must not end twice.
      abandon(x, this.state)
      x.reply.cut()
      return
    }
    this.#step(x, FAILED)
    this.#advance(x)
  }
}
