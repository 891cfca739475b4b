// A second request beside a slow one: the first reply of the two is taken, and the other request given up.
import { now } from '../base/clock.ts'
import type { Failure } from '../base/errors.ts'
import type { Exchange } from '../contract/exchange.ts'
import type { ResponseReceiver } from '../contract/transport.ts'
import { Try } from '../contract/tries.ts'
import { FAILED_THERE, UNKNOWN } from '../contract/upstream.ts'
import type { RoadState } from './state.ts'
import { traceTry } from './trace.ts'

/** Reads without a body: what may be done twice at once. */
export function mayHedge(x: Exchange): boolean {
  return (x.method === 'GET' || x.method === 'HEAD') && x.body.length === 0
}

/** The reply takes long: asks another endpoint too, if there is one and the budget allows it. */
export function hedge(x: Exchange, state: RoadState): void {
  const { tries, upstream } = x
  const { current } = tries
  if (current.attempt === null || x.respondedAt > 0 || tries.second !== null || upstream === null) return
  tries.failed.push(current.endpoint!) // for the choice only: not the same endpoint twice
  const other = upstream.hasOther(x) && upstream.hedge!.budget.take() ? upstream.pick(x) : null
  tries.failed.pop()
  if (other === null || other === current.endpoint) return
  const second = new Try()
  tries.second = second
  tries.count++
  second.begin(other, now())
  traceTry(x, second, true)
  second.attempt = other.transport.send(x, new SecondReceiver(second, state.receiver), false)
}

/** The reply of the request that was sent first is there. */
export function dropSecond(x: Exchange): void {
  const { second } = x.tries
  if (second === null) return
  x.tries.second = null
  second.attempt?.cancel()
  // It was under way for this long without an answer; how long it would have taken nobody knows.
  second.end()
}

/** The first request is over without a reply: what comes of the second, which there is, is what the client gets. */
export function promoteSecond(x: Exchange): void {
  const { current, second } = x.tries
  x.tries.second = null
  current.replace(second!)
}

class SecondReceiver implements ResponseReceiver {
  readonly #second: Try
  readonly #road: ResponseReceiver

  constructor(second: Try, road: ResponseReceiver) {
    this.#second = second
    this.#road = road
  }

  connected(x: Exchange): void {
    if (this.#isSecond(x)) this.#second.connected()
    else this.#road.connected(x)
  }

  sent(x: Exchange): void {
    if (!this.#isSecond(x)) this.#road.sent(x)
  }

  /** False: it has taken the place of the first. */
  #isSecond(x: Exchange): boolean {
    return x.tries.second === this.#second
  }

  head(x: Exchange): void {
    if (this.#isSecond(x)) {
      const { current } = x.tries
      // The slow one is given up; the endpoint is told how long it was waited for.
      current.attempt?.cancel()
      current.settle(UNKNOWN, now() - current.startedAt)
      promoteSecond(x)
    }
    this.#road.head(x)
  }

  data(x: Exchange, bytes: Uint8Array): void {
    this.#road.data(x, bytes)
  }

  ended(x: Exchange): void {
    this.#road.ended(x)
  }

  failed(x: Exchange, failure: Failure, untouched: boolean): void {
    if (!this.#isSecond(x)) {
      this.#road.failed(x, failure, untouched)
      return
    }
    x.tries.second = null
    if (this.#second.span !== null) this.#second.span.failed(failure)
    // A keep-alive connection that was closed says nothing about the endpoint.
    const isItsDoing = failure.kind.source === 'upstream' && !untouched
    this.#second.settle(isItsDoing ? FAILED_THERE : UNKNOWN, -1)
    this.#second.end()
  }
}
