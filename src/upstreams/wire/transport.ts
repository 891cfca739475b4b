// The own HTTP/1.1 client: keep-alive connections to one endpoint. It costs about half of what a general client costs
// (bench/road), because a request is one string and a reply one block of bytes on their way through.
//
// Requests and connections are kept apart: a request takes an idle connection, else it waits in line while one more is
// opened, and whichever connection is free first serves it.
import { now } from '../../base/clock.ts'
import { ERRORS, Failure } from '../../base/errors.ts'
import { Timer, type TimerWheel } from '../../base/timer-wheel.ts'
import type { Exchange } from '../../contract/exchange.ts'
import type { Attempt, ResponseReceiver, Transport } from '../../contract/transport.ts'
import { WireAttempt, type AttemptPool } from './attempt.ts'
import { Line } from './line.ts'
import { WireConnection, type ConnectionPool } from './connection.ts'
import type { WireOptions } from './options.ts'

const MOST_POOLED = 1024
/** The upstream's own keep-alive timeout ends this much earlier here, so that it does not close under a request. */
const KEEP_ALIVE_MARGIN = 1000
const LONGEST_SWEEP = 1000

export class WireTransport implements Transport, ConnectionPool, AttemptPool {
  readonly #host: string
  readonly #port: number
  readonly #options: WireOptions
  readonly #wheel: TimerWheel
  readonly #idle: WireConnection[] = []
  readonly #line = new Line<WireAttempt>()
  readonly #free: WireAttempt[] = []
  readonly #sweep: Timer
  /** Pipelining: the connection that took the last request. */
  #filling: WireConnection | null = null
  #open = 0
  #connecting = 0
  #closing = false

  /** `origin`: http://host:port. */
  constructor(origin: string, options: WireOptions, wheel: TimerWheel) {
    const { hostname, port } = new URL(origin)
    this.#host = hostname.replace(/^\[|\]$/g, '')
    this.#port = port === '' ? 80 : Number(port)
    this.#options = options
    this.#wheel = wheel
    this.#sweep = new Timer(() => this.#closeExpired())
  }

  get connections(): number {
    return this.#open
  }

  send(x: Exchange, receiver: ResponseReceiver, fresh: boolean): Attempt {
    const attempt = this.#free.pop() ?? new WireAttempt(this)
    attempt.start(x, receiver)
    if (fresh && this.#mayOpen()) {
      this.#connect().reserved = attempt
      return attempt
    }
    const filling = this.#filling
    // Requests of one turn share a connection, so that they leave in one write; those of later turns take an idle one.
    const shared = filling !== null && filling.leaves && filling.hasRoomFor(attempt)
    const connection = shared ? filling : this.#takeIdle()
    if (connection !== null) this.#assign(connection, attempt)
    else if (filling !== null && filling.hasRoomFor(attempt)) filling.assign(attempt)
    else this.#wait(attempt)
    return attempt
  }

  #assign(connection: WireConnection, attempt: WireAttempt): void {
    connection.assign(attempt)
    if (this.#options.pipelining > 1) this.#filling = connection
  }

  /** A connection that is not expired; the one used last is the least likely to be closed by the upstream. */
  #takeIdle(): WireConnection | null {
    for (;;) {
      const connection = this.#idle.pop()
      if (connection === undefined) return null
      connection.idleAt = -1
      if (connection.expiresAt > now()) return connection
      this.#open--
      connection.destroy()
    }
  }

  #wait(attempt: WireAttempt): void {
    const waits = this.#line.length >= this.#connecting && this.#open >= this.#options.maxConnections
    if (waits && this.#line.length >= this.#options.queue) {
      this.#refuse(attempt)
      return
    }
    this.#line.join(attempt)
    this.#openForWaiting()
  }

  // From the next microtask on: a caller does not expect to be called back at once.
  #refuse(attempt: WireAttempt): void {
    queueMicrotask(() => {
      if (attempt.done) return
      attempt.done = true
      attempt.receiver!.failed(attempt.x!, new Failure(ERRORS.upstreamOverloaded), false)
    })
  }

  #openForWaiting(): void {
    const wanted = Math.ceil(this.#line.length / this.#options.pipelining)
    while (this.#connecting < wanted && this.#open < this.#options.maxConnections) this.#connect()
  }

  /** One more connection may be opened; an idle one makes room for it. */
  #mayOpen(): boolean {
    if (this.#open < this.#options.maxConnections) return true
    const oldest = this.#idle.shift()
    if (oldest === undefined) return false
    for (let i = 0; i < this.#idle.length; i++) this.#idle[i]!.idleAt = i
    this.#open--
    oldest.destroy()
    return true
  }

  #connect(): WireConnection {
    this.#open++
    this.#connecting++
    return new WireConnection(this.#host, this.#port, this.#options, this.#wheel, this)
  }

  leave(attempt: WireAttempt): void {
    // A request that had a connection of its own in the making was not in line: that connection serves whoever comes.
    if (attempt.line === this.#line) this.#line.remove(attempt)
  }

  get saturated(): boolean {
    return this.#open >= this.#options.maxConnections && this.#connecting === 0
  }

  established(connection: WireConnection): void {
    this.#connecting--
    const { reserved } = connection
    connection.reserved = null
    if (reserved !== null && !reserved.done) connection.assign(reserved)
    else this.idle(connection)
  }

  idle(connection: WireConnection): void {
    const first = connection.requests < this.#options.maxRequests ? this.#line.shift() : null
    if (first !== null) {
      this.#assign(connection, first)
      this.relieved(connection)
      return
    }
    const lifetime = this.#lifetime(connection)
    if (this.#closing || lifetime === 0 || connection.requests >= this.#options.maxRequests) {
      this.#open--
      connection.destroy()
      this.#openForWaiting()
      return
    }
    connection.expiresAt = now() + lifetime
    connection.wasUsable = true
    connection.idleAt = this.#idle.length
    this.#idle.push(connection)
    if (!this.#sweep.armed) this.#wheel.arm(this.#sweep, Math.min(LONGEST_SWEEP, this.#options.keepAlive))
  }

  relieved(connection: WireConnection): void {
    for (let first = this.#line.first; first !== null && connection.hasRoomFor(first); first = this.#line.first) {
      this.#line.remove(first)
      connection.assign(first)
    }
  }

  /** ms that an idle connection is kept. */
  #lifetime({ head }: WireConnection): number {
    const { keepAlive } = this.#options
    if (head.keepAlive < 0) return keepAlive
    const granted = head.keepAlive * 1000
    return Math.min(keepAlive, Math.max(granted - KEEP_ALIVE_MARGIN, granted / 2))
  }

  #closeExpired(): void {
    const time = now()
    // From the end: what fills a gap was looked at already.
    for (let i = this.#idle.length - 1; i >= 0; i--) {
      const connection = this.#idle[i]!
      if (connection.expiresAt > time) continue
      this.#takeOut(connection)
      this.#open--
      connection.destroy()
    }
    if (this.#idle.length > 0) this.#wheel.arm(this.#sweep, Math.min(LONGEST_SWEEP, this.#options.keepAlive))
  }

  #takeOut(connection: WireConnection): void {
    const last = this.#idle.pop()!
    if (last !== connection) {
      this.#idle[connection.idleAt] = last
      last.idleAt = connection.idleAt
    }
    connection.idleAt = -1
  }

  closed(connection: WireConnection, unanswered: Line<WireAttempt>, failure: Failure | null): void {
    this.#open--
    if (connection === this.#filling) this.#filling = null
    if (connection.idleAt >= 0) this.#takeOut(connection)
    for (let attempt = unanswered.shift(); attempt !== null; attempt = unanswered.shift()) {
      attempt.withoutConnection()
      if (attempt.done) this.recycle(attempt)
      else this.#line.join(attempt)
    }
    if (failure !== null) this.#failedToConnect(connection, failure)
    this.#openForWaiting()
  }

  // Each connection that could not be had costs one request its hope: the one that has waited longest.
  #failedToConnect(connection: WireConnection, failure: Failure): void {
    this.#connecting--
    const { reserved } = connection
    const attempt = reserved ?? (this.#line.length > this.#connecting ? this.#line.shift() : null)
    if (attempt === null || attempt.done) return
    attempt.done = true
    attempt.receiver!.failed(attempt.x!, failure, false)
  }

  recycle(attempt: WireAttempt): void {
    attempt.clear()
    if (this.#free.length < MOST_POOLED) this.#free.push(attempt)
  }

  close(): void {
    this.#closing = true
    this.#wheel.disarm(this.#sweep)
    for (const connection of this.#idle.splice(0)) {
      this.#open--
      connection.destroy()
    }
  }
}
