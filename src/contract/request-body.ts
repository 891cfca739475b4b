// The request body on its way from the listener to whoever consumes it. Bytes that arrive before there is a
// consumer wait here, bounded: the client is paused meanwhile.
import type { Reply } from './reply.ts'

/** Bytes that may wait for a consumer before the client is paused. One receive buffer of the engine may come on top. */
const WAITING_LIMIT = 64 * 1024

/** Takes the body. `bytes` are valid only during the call; `last` comes exactly once, possibly with no bytes. */
export interface BodySink {
  chunk(bytes: Uint8Array, last: boolean): void
}

const NOTHING = new Uint8Array(0)

export class RequestBody {
  /** Bytes announced; 0 without a body, -1 when chunked. */
  length = 0
  received = 0
  /** Most bytes that may come; more make `receive` return false. */
  limit = Infinity
  /** The last byte has arrived. */
  complete = true
  /** Somebody took bytes: the request cannot be sent again. */
  consumed = false
  #sink: BodySink | null = null
  #flow: Reply | null = null
  #waiting: Uint8Array[] = []
  #waitingBytes = 0
  #paused = false

  start(length: number, flow: Reply): void {
    this.length = length
    this.complete = length === 0
    this.#flow = flow
  }

  /** The client was told to wait. */
  get paused(): boolean {
    return this.#paused
  }

  reset(): void {
    this.length = 0
    this.received = 0
    this.limit = Infinity
    this.complete = true
    this.consumed = false
    this.#sink = null
    this.#flow = null
    if (this.#waiting.length > 0) this.#waiting = []
    this.#waitingBytes = 0
    this.#paused = false
  }

  /** From the listener. False: the body is larger than allowed, and nothing of this chunk was passed on. */
  receive(bytes: Uint8Array, last: boolean): boolean {
    this.received += bytes.byteLength
    if (this.received > this.limit) return false
    if (last) this.complete = true
    if (this.#sink !== null) {
      this.consumed = true
      this.#sink.chunk(bytes, last)
      return true
    }
    if (bytes.byteLength > 0) {
      this.#waiting.push(Uint8Array.prototype.slice.call(bytes))
      this.#waitingBytes += bytes.byteLength
    }
    if (this.#waitingBytes > WAITING_LIMIT && !last) this.pause()
    return true
  }

  /** From the consumer: takes what has waited at once, and the rest as it comes. */
  attach(sink: BodySink): void {
    this.#sink = sink
    const waiting = this.#waiting
    this.#waiting = []
    this.#waitingBytes = 0
    this.resume() // before the first chunk: the consumer may want to pause again
    for (let i = 0; i < waiting.length; i++) {
      this.consumed = true
      sink.chunk(waiting[i]!, this.complete && i === waiting.length - 1)
    }
    if (this.complete && waiting.length === 0) sink.chunk(NOTHING, true)
  }

  /** The rest of the body is of no use to anybody: it is read and dropped. */
  discard(): void {
    this.#sink = DROP
    this.#waiting = []
    this.#waitingBytes = 0
    this.limit = Infinity
    this.resume()
  }

  pause(): void {
    if (this.#paused || this.complete) return
    this.#paused = true
    this.#flow?.pauseBody()
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#flow?.resumeBody()
  }
}

const DROP: BodySink = { chunk() {} }
