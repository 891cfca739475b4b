// One keep-alive connection: what is written on it, and whose reply the bytes are that come back.
//
//   requests   first -> second -> ... -> last      in the order in which they were written, and so of their replies
//   bytes      head | body | head | body ...       the body is none, of known length, chunked, or ends with the connection
//
// All sockets of a worker read into one buffer: its bytes are used up, or copied, before the read callback returns.
import { connect, type NetConnectOpts, type Socket } from 'node:net'
import { ERRORS, Failure } from '../../base/errors.ts'
import { Timer, type TimerWheel } from '../../base/timer-wheel.ts'
import { UNKNOWN_LENGTH } from '../../contract/reply.ts'
import type { AttemptCarrier, WireAttempt } from './attempt.ts'
import { Line } from './line.ts'
import type { ByteWriter } from './byte-writer.ts'
import { LF } from './bytes.ts'
import { Carry } from './carry.ts'
import { ChunkedDecoder } from './chunked.ts'
import { brokenFailure, ConnectTimeout, connectFailure, protocolFailure } from './failure.ts'
import { leaveThisTurn, writeHead, type Sender } from './outbox.ts'
import type { WireOptions } from './options.ts'
import { INCOMPLETE, INVALID, readHead, TOO_MANY } from './read-head.ts'
import { WireHead } from './response-head.ts'

/** What a connection tells the pool that it belongs to. */
export interface ConnectionPool {
  /** It can take requests. */
  established(connection: WireConnection): void
  /** The last reply that it owed is complete, and it can be used again. */
  idle(connection: WireConnection): void
  /** A reply is complete, others are due: there is room for one more request. */
  relieved(connection: WireConnection): void
  /**
   * It is gone. `unanswered` are the requests to which the upstream has sent no byte, for the pool to take out; `failure`
   * is why it could not be established, null if it was.
   */
  closed(connection: WireConnection, unanswered: Line<WireAttempt>, failure: Failure | null): void
  /** An attempt is over and nothing refers to it any more. */
  recycle(attempt: WireAttempt): void
}

/** Nobody is told. */
const GIVEN_UP = new Failure(ERRORS.clientGone)

const READ_SIZE = 256 * 1024
const SHARED = Buffer.allocUnsafeSlow(READ_SIZE)

/** 100 and 103 that one request may get before its reply. */
const MOST_INFORMATIONAL = 16
/** Bytes of a reply that nobody wants any more, read to keep a pipelined connection. */
const DISCARD_LIMIT = 64 * 1024

// What comes next.
const HEAD = 0
const KNOWN_LENGTH = 1
const CHUNKED = 2
const UNTIL_CLOSE = 3

export type OpenSocket = (options: NetConnectOpts) => Socket

export class WireConnection implements Sender, AttemptCarrier {
  readonly socket: Socket
  /** Place in the pool's list of idle connections; -1 while it is busy. */
  idleAt = -1
  /** Monotonic ms after which it is not used again. */
  expiresAt = 0
  /** Requests written. */
  requests = 0
  /** A request that asked for a connection of its own. */
  reserved: WireAttempt | null = null
  isEstablished = false
  /** A request was served, or it has lain idle: the upstream may close it just as the next request leaves. */
  wasUsable = false
  readonly head = new WireHead()
  readonly #pool: ConnectionPool
  readonly #options: WireOptions
  readonly #timer: Timer
  readonly #wheel: TimerWheel
  readonly #body = new ChunkedDecoder()
  /** Requests whose replies are due. */
  readonly #due = new Line<WireAttempt>()
  #upload: WireAttempt | null = null
  /** Heads wait for the end of the turn. */
  leaves = false
  /** The request on its way has a body, or must not be repeated: nothing may be written behind it. */
  #exclusive = false
  #phase = HEAD
  #left = 0
  /** The connection can serve another request after this reply. */
  #reusable = true
  #informational = 0
  #discarded = 0
  #paused = false
  #consuming = false
  #dead = false
  #error: Error | null = null
  readonly #carry = new Carry()
  /** Handed out last, and reused if the next piece lies at the same place. */
  #view = SHARED.subarray(0, 0)

  /** `open`: opens the socket; tests give one that they feed themselves. */
  constructor(
    host: string,
    port: number,
    options: WireOptions,
    wheel: TimerWheel,
    pool: ConnectionPool,
    open: OpenSocket = connect,
  ) {
    this.#pool = pool
    this.#options = options
    this.#wheel = wheel
    this.#timer = new Timer(() => this.#fail(new ConnectTimeout(`no connection within ${options.connectTimeout} ms`)))
    if (options.connectTimeout > 0) wheel.arm(this.#timer, options.connectTimeout)
    this.socket = open({
      host,
      port,
      noDelay: true,
      onread: { buffer: SHARED, callback: (length) => this.#read(length) },
    })
    this.socket.on('connect', () => {
      wheel.disarm(this.#timer)
      this.isEstablished = true
      pool.established(this)
    })
    this.socket.on('end', () => this.#ended())
    this.socket.on('error', (error) => this.#fail(error))
    this.socket.on('close', () => this.#fail(null))
    this.socket.on('drain', () => this.#upload?.drained())
  }

  /**
   * May this request be written behind those that are on their way? Only on a connection that has kept its promise to
   * stay open once, and only requests that can go elsewhere when it does not (RFC 9112 section 9.3.2).
   */
  hasRoomFor(attempt: WireAttempt): boolean {
    const { pipelining, maxRequests } = this.#options
    const { first, length } = this.#due
    // Behind a reply that nobody wants any more, and that may never come, is no good place to wait.
    if (first === null || first.done || length >= pipelining || this.requests >= maxRequests) return false
    return attempt.isRepeatable && this.wasUsable && !this.#exclusive && !this.#dead
  }

  /** Writes a request behind those that wait for their replies. */
  assign(attempt: WireAttempt): void {
    this.#due.join(attempt)
    this.requests++
    this.#exclusive = !attempt.isRepeatable
    if (attempt.hasBody) this.#upload = attempt
    attempt.begin(this)
    if (!attempt.headWaits || this.leaves) return
    this.leaves = true
    leaveThisTurn(this)
  }

  writeHeads(to: ByteWriter): void {
    this.leaves = false
    for (let attempt = this.#due.first; attempt !== null; attempt = attempt.next) {
      if (!attempt.headWaits) continue
      attempt.headWaits = false
      writeHead(attempt.x!, attempt.traceparent, to)
    }
  }

  pause(attempt: WireAttempt): void {
    if (attempt !== this.#due.first || this.#paused || this.#dead) return
    this.#paused = true
    if (!this.#consuming) this.socket.pause()
  }

  resume(attempt: WireAttempt): void {
    if (attempt === this.#due.first) this.#resume()
  }

  #resume(): void {
    if (!this.#paused || this.#dead) return
    this.#paused = false
    if (this.#consuming) return
    if (this.#carry.length > 0) this.#consumeCarried()
    if (!this.#paused && !this.#dead) this.socket.resume()
  }

  /** The reply is not wanted any more. If no other is, the connection goes; else the reply is read and dropped. */
  abandon(attempt: WireAttempt): void {
    if (attempt.headWaits && !attempt.hasBody) this.#takeBack(attempt)
    else if (!this.#isWanted()) this.#close(GIVEN_UP)
    else if (attempt === this.#due.first) this.#resume()
  }

  #isWanted(): boolean {
    for (let attempt = this.#due.first; attempt !== null; attempt = attempt.next) if (!attempt.done) return true
    return false
  }

  /** It was never written: the connection is as good as before. */
  #takeBack(attempt: WireAttempt): void {
    this.#due.remove(attempt)
    this.requests--
    if (this.#due.length === 0) this.#pool.idle(this)
  }

  /** Closes it; requests that wait for replies are not told. */
  destroy(): void {
    this.#dead = true
    this.#upload = null
    this.#wheel.disarm(this.#timer)
    this.socket.destroy()
  }

  // The read callback. False stops reading.
  #read(length: number): boolean {
    if (this.#dead) return false
    if (this.#carry.length > 0) {
      this.#carry.append(SHARED, 0, length)
      // A head that comes in drips is looked at once per line, not once per byte.
      if (this.#carry.length <= this.#options.maxHeadSize && !SHARED.subarray(0, length).includes(LF)) return true
      this.#consumeCarried()
    } else {
      this.#consume(SHARED, 0, length)
    }
    if (this.#dead || this.#paused) return false
    if (this.#phase !== UNTIL_CLOSE) return true
    // libuv tells data with a reset behind it as data and a proper end, unless it is made to look again.
    setImmediate(() => {
      if (!this.#paused && !this.#dead) this.socket.resume()
    })
    return false
  }

  #consumeCarried(): void {
    const bytes = this.#carry.take()
    this.#consume(bytes, 0, bytes.length)
  }

  #consume(bytes: Buffer, from: number, to: number): void {
    this.#consuming = true
    let at = from
    while (at < to && !this.#dead) {
      if (this.#paused) {
        this.#carry.append(bytes, at, to)
        break
      }
      const { first } = this.#due
      // A request that was not written yet is not what these bytes answer.
      if (first === null || first.headWaits) this.#close(protocolFailure('bytes that nobody asked for'))
      else if (this.#phase === HEAD) at = this.#readHead(first, bytes, at, to)
      else at = this.#readBody(first, bytes, at, to)
    }
    this.#consuming = false
  }

  #readHead(attempt: WireAttempt, bytes: Buffer, from: number, to: number): number {
    const { maxHeadSize, maxFields } = this.#options
    const { head } = this
    const next = readHead(bytes, from, to, head, maxFields)
    if (next === INVALID) {
      this.#close(protocolFailure('the reply head is malformed'))
      return to
    }
    if (next === TOO_MANY || (next === INCOMPLETE ? to : next) - from > maxHeadSize) {
      this.#close(new Failure(ERRORS.upstreamHeadTooLarge))
      return to
    }
    if (next === INCOMPLETE) {
      this.#carry.append(bytes, from, to)
      return to
    }
    if (head.status < 200) {
      const unexpected = head.status === 101 || ++this.#informational > MOST_INFORMATIONAL
      if (unexpected) this.#close(protocolFailure(`an unasked ${head.status}`))
      return next
    }
    const { status } = head
    const bodyless = attempt.isHead || status === 204 || status === 304
    this.#reusable = !head.closes && (head.minor === 1 || head.keepsAlive)
    this.#left = bodyless || head.chunked ? 0 : head.length
    this.#phase = bodyless || head.length >= 0 ? KNOWN_LENGTH : head.chunked ? CHUNKED : UNTIL_CLOSE
    if (this.#phase === UNTIL_CLOSE) this.#reusable = false
    if (this.#phase === CHUNKED) this.#body.begin(maxHeadSize)
    if (!attempt.done) {
      const x = attempt.x!
      x.status = status
      x.responseHead = head
      x.responseLength = head.length < 0 ? UNKNOWN_LENGTH : head.length
      attempt.receiver!.head(x)
    }
    if (!this.#dead && this.#phase === KNOWN_LENGTH && this.#left === 0) this.#complete(next < to)
    return next
  }

  #readBody(attempt: WireAttempt, bytes: Buffer, from: number, to: number): number {
    if (this.#phase === CHUNKED) {
      const next = this.#body.decode(bytes, from, to)
      if (next === INVALID) {
        this.#close(new Failure(ERRORS.upstreamProtocol, '', new Error('the chunked body is malformed')))
        return to
      }
      if (this.#body.end > this.#body.start) this.#deliver(attempt, bytes, this.#body.start, this.#body.end)
      if (!this.#dead && this.#body.done) this.#complete(next < to)
      return next
    }
    if (this.#phase === UNTIL_CLOSE) {
      this.#deliver(attempt, bytes, from, to)
      return to
    }
    const stop = Math.min(to, from + this.#left)
    this.#left -= stop - from
    this.#deliver(attempt, bytes, from, stop)
    if (!this.#dead && this.#left === 0) this.#complete(stop < to)
    return stop
  }

  #deliver(attempt: WireAttempt, bytes: Buffer, start: number, end: number): void {
    if (attempt.done) {
      this.#discarded += end - start
      if (this.#discarded > DISCARD_LIMIT) this.#close(GIVEN_UP)
      return
    }
    attempt.receiver!.data(attempt.x!, bytes === SHARED ? this.#sharedView(start, end) : bytes.subarray(start, end))
  }

  #sharedView(start: number, end: number): Uint8Array {
    const view = this.#view
    if (view.byteOffset === start && view.length === end - start) return view
    return (this.#view = SHARED.subarray(start, end))
  }

  /** The reply of the first request is complete. `more`: bytes follow it. */
  #complete(more: boolean): void {
    const attempt = this.#due.shift()!
    if (this.#upload === attempt) this.#upload = null
    this.wasUsable = true
    this.#phase = HEAD
    this.#informational = 0
    this.#discarded = 0
    this.#paused = false
    // Bytes behind a reply that answer nothing: whatever they are, the next request must not get them.
    const reusable = this.#reusable && attempt.sent && !(more && this.#due.length === 0)
    if (!attempt.done) {
      attempt.done = true
      attempt.receiver!.ended(attempt.x!)
    }
    if (!attempt.hasBody) this.#pool.recycle(attempt)
    if (this.#dead) return
    if (!reusable) this.#retire()
    else if (this.#due.length === 0) this.#pool.idle(this)
    else this.#pool.relieved(this)
  }

  // A proper end: of a body that ends so, of an idle connection, or of a promise.
  #ended(): void {
    if (this.#dead) return
    if (this.#phase === UNTIL_CLOSE && this.#error === null) this.#complete(false)
    else this.#fail(null)
  }

  #fail(error: Error | null): void {
    if (this.#dead) return
    if (!this.isEstablished) this.#close(connectFailure(error))
    else this.#close(brokenFailure(error, this.#phase !== HEAD || this.#carry.length > 0 || this.#informational > 0))
  }

  /** The end after a reply that was the last: requests behind it go elsewhere. */
  #retire(): void {
    this.destroy()
    this.#pool.closed(this, this.#due, null)
  }

  /**
   * The end, for whatever reason. The request whose turn it was fails: were it to go elsewhere by itself, an upstream
   * that closes every connection would be asked for ever. Those behind it go elsewhere.
   */
  #close(failure: Failure): void {
    const { first } = this.#due
    if (first !== null && first.headWaits && !first.hasBody) {
      this.#retire() // nothing was written since the last reply
      return
    }
    this.#due.shift()
    this.destroy()
    this.#pool.closed(this, this.#due, this.isEstablished ? null : failure)
    if (first === null || first.done) return
    first.done = true
    first.receiver!.failed(first.x!, failure, failure.kind === ERRORS.upstreamReset && this.wasUsable)
  }
}
