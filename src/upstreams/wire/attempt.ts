// One request on its way: waiting for a connection, or a place in the line of one. It is also where the request body
// goes: to the socket, as it comes, at the pace of the upstream.
import type { Socket } from 'node:net'
import type { Exchange } from '../../contract/exchange.ts'
import type { BodySink } from '../../contract/request-body.ts'
import type { Attempt, ResponseReceiver } from '../../contract/transport.ts'
import type { Line, Linked } from './line.ts'
import { headOf } from './outbox.ts'

/** The pool, to an attempt that has no connection. */
export interface AttemptPool {
  /** The attempt does not want a connection any more. */
  leave(attempt: WireAttempt): void
  /** Every connection that may be opened is busy. */
  readonly saturated: boolean
}

/** The connection, to an attempt that is on it. */
export interface AttemptCarrier {
  readonly socket: Socket
  abandon(attempt: WireAttempt): void
  pause(attempt: WireAttempt): void
  resume(attempt: WireAttempt): void
}

export class WireAttempt implements Attempt, BodySink, Linked<WireAttempt> {
  x: Exchange | null = null
  receiver: ResponseReceiver | null = null
  connection: AttemptCarrier | null = null
  /** Kept here: the head is written later, and another try of the Exchange may have begun by then. */
  traceparent = ''
  readonly #pool: AttemptPool
  /** The line that it stands in, with its neighbours there. */
  line: Line<WireAttempt> | null = null
  previous: WireAttempt | null = null
  next: WireAttempt | null = null
  /** Every byte of the request was given to the socket. */
  sent = false
  /** Over, or given up: nothing is reported any more. */
  done = false
  /** A HEAD request: its reply has no body, whatever its head says. Kept here, as `x` is gone after a cancel. */
  isHead = false
  /** The Exchange may hold this as the sink of its body. */
  hasBody = false
  /** Idempotent and without a body: it may share a connection, and go to another one. */
  isRepeatable = false
  /** The head waits: for the end of the turn, or for the first bytes of the body, as one write is cheaper than two. */
  headWaits = false

  constructor(pool: AttemptPool) {
    this.#pool = pool
  }

  start(x: Exchange, receiver: ResponseReceiver): void {
    this.x = x
    this.receiver = receiver
    this.traceparent = x.trace.forward
    this.done = false
    this.isHead = x.method === 'HEAD'
    this.hasBody = x.body.length !== 0
    this.isRepeatable = !this.hasBody && (x.method === 'GET' || this.isHead || x.method === 'OPTIONS')
    this.withoutConnection()
  }

  /** Its connection is gone, and it will have another. */
  withoutConnection(): void {
    this.connection = null
    this.sent = false
    this.headWaits = false
  }

  /** Nothing of the last request is kept. */
  clear(): void {
    this.x = null
    this.receiver = null
    this.connection = null
  }

  get queued(): boolean {
    return this.connection === null && this.#pool.saturated
  }

  cancel(): void {
    if (this.done) return
    this.done = true
    this.x = null
    if (this.connection === null) this.#pool.leave(this)
    else this.connection.abandon(this)
  }

  pause(): void {
    if (!this.done) this.connection?.pause(this)
  }

  resume(): void {
    if (!this.done) this.connection?.resume(this)
  }

  /** The request has a place on a connection. */
  begin(connection: AttemptCarrier): void {
    this.connection = connection
    const x = this.x!
    const receiver = this.receiver!
    this.headWaits = true
    receiver.connected(x)
    if (this.hasBody) {
      x.body.attach(this)
    } else {
      this.sent = true
      receiver.sent(x)
    }
  }

  chunk(bytes: Uint8Array, last: boolean): void {
    if (this.done) return
    const x = this.x!
    const { socket } = this.connection!
    socket.cork()
    if (this.headWaits) {
      this.headWaits = false
      socket.write(headOf(x, this.traceparent))
    }
    const chunked = x.body.length < 0
    if (bytes.byteLength > 0) {
      if (chunked) socket.write(bytes.byteLength.toString(16) + '\r\n', 'latin1')
      // Copied: the engine takes its buffer back when this returns, and the socket may keep what it cannot send.
      socket.write(Uint8Array.prototype.slice.call(bytes))
      if (chunked) socket.write('\r\n', 'latin1')
    }
    if (chunked && last) socket.write('0\r\n\r\n', 'latin1')
    socket.uncork()
    if (last) {
      this.sent = true
      this.receiver!.sent(x)
    } else if (socket.writableNeedDrain) {
      x.body.pause()
    }
  }

  /** The socket takes bytes again. */
  drained(): void {
    if (!this.done && !this.sent) this.x!.body.resume()
  }
}
