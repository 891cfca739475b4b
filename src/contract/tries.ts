// The tries of one Exchange at the endpoints of its upstream: mostly one, more when it is retried, two at once when it is
// hedged.
import { Timer } from '../base/timer-wheel.ts'
import type { TrySpan } from './request-spans.ts'
import type { Attempt } from './transport.ts'
import { UNKNOWN, type Endpoint, type Outcome } from './upstream.ts'

/** No request is on its way. */
const NO_TICKET = -1

/** One request that an endpoint has. */
export class Try {
  endpoint: Endpoint | null = null
  attempt: Attempt | null = null
  /** What is recorded of it; null while nothing is. */
  span: TrySpan | null = null
  /** Monotonic ms since when its reply is waited for: from its end on if it has a body, as that comes from the client. */
  startedAt = 0
  /** It was sent again, on a fresh connection: that happens once. */
  again = false
  #ticket = NO_TICKET
  #running = false
  #connected = false

  begin(endpoint: Endpoint, startedAt: number): void {
    this.endpoint = endpoint
    this.startedAt = startedAt
    this.again = false
    this.#ticket = endpoint.begin()
    this.#running = true
    this.#connected = false
  }

  connected(): void {
    if (this.#connected || !this.#running) return
    this.#connected = true
    this.endpoint!.connected()
  }

  get hasConnection(): boolean {
    return this.#connected
  }

  /** What became of it is not told yet. */
  get unsettled(): boolean {
    return this.#ticket !== NO_TICKET
  }

  /** Tells the endpoint, once. */
  settle(outcome: Outcome, latency: number): void {
    if (this.#ticket === NO_TICKET) return
    const ticket = this.#ticket
    this.#ticket = NO_TICKET
    this.endpoint!.settle(ticket, outcome, latency)
  }

  /** Nothing of it goes on. What was not told says nothing. */
  end(): void {
    if (this.span !== null) this.#endSpan()
    if (!this.#running) return
    this.settle(UNKNOWN, -1)
    this.#running = false
    this.endpoint!.end(this.#connected)
  }

  #endSpan(): void {
    this.span!.finish()
    this.span = null
  }

  /** Takes the place of `other`, which is over. */
  replace(other: Try): void {
    this.end()
    this.endpoint = other.endpoint
    this.attempt = other.attempt
    this.span = other.span
    this.startedAt = other.startedAt
    this.again = other.again
    this.#ticket = other.#ticket
    this.#running = other.#running
    this.#connected = other.#connected
    other.#ticket = NO_TICKET
    other.#running = false
    other.attempt = null
    other.span = null
  }

  reset(): void {
    this.endpoint = null
    this.attempt = null
  }
}

export class Tries {
  /** Requests sent for this Exchange. */
  count = 0
  /** Of those, retries that the policy of the upstream allowed. */
  retries = 0
  /** Endpoints that failed this Exchange. */
  readonly failed: Endpoint[] = []
  /** The request whose reply is awaited, or passed on. */
  readonly current = new Try()
  /** A second one beside it; null while there is none. */
  second: Try | null = null
  /** Fires when a second one is worth it. */
  readonly hedgeTimer: Timer
  /** The status that the upstream sent; plugins may change the one that the client gets. */
  status = 0

  constructor(hedge: () => void) {
    this.hedgeTimer = new Timer(hedge)
  }

  reset(): void {
    this.count = 0
    this.retries = 0
    if (this.failed.length > 0) this.failed.length = 0
    this.current.reset()
    this.second = null
    this.status = 0
  }
}
