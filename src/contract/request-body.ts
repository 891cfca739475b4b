// The request body on its way from the listener to whoever consumes it. Bytes that arrive before there is a
// consumer wait here, bounded: the client is paused meanwhile.
import { Backlog } from '../base/backlog.ts'
import type { BodyTransform } from './body-transform.ts'
import { UNKNOWN_LENGTH, type Reply } from './reply.ts'

/** Bytes that may wait for a consumer before the client is paused. */
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
  #pipe: BodyTransform | null = null
  #onFailure: (error: unknown) => void = ignore
  #delivering = false
  #flow: Reply | null = null
  readonly #waiting = new Backlog()
  /** Most bytes that are kept to be handed on once more; 0: none are, or not any longer. */
  #keepLimit = 0
  #kept: Uint8Array[] = []
  #keptSize = 0
  #paused = false
  /** The engine was told to pause; it must be told to go on even when the body is complete, for the next request. */
  #flowPaused = false

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
    this.#pipe = null
    this.#onFailure = ignore
    this.#delivering = false
    this.#flow = null
    this.#waiting.clear()
    this.#forget()
    this.#paused = false
    this.#flowPaused = false
  }

  /** Keeps a copy of what is handed on, until that is more than `limit` bytes. 0: keeps nothing any longer. */
  keep(limit: number): void {
    this.#forget()
    // What went through a transform cannot be made twice.
    this.#keepLimit = this.#pipe === null ? limit : 0
  }

  /** All that was handed on can be handed on again. */
  get replayable(): boolean {
    return !this.consumed || this.#keepLimit > 0
  }

  /** From the beginning, for another consumer. Only while `replayable`. */
  rewind(): void {
    this.#sink = null
    this.#delivering = false
    if (!this.consumed) return
    this.consumed = false
    const later: Uint8Array[] = []
    for (let bytes = this.#waiting.shift(); bytes !== null; bytes = this.#waiting.shift()) later.push(bytes)
    for (const bytes of this.#kept) this.#waiting.push(bytes)
    for (const bytes of later) this.#waiting.push(bytes)
    this.#kept = []
    this.#keptSize = 0
  }

  #handOn(bytes: Uint8Array, last: boolean): void {
    this.consumed = true
    if (this.#keepLimit > 0) this.#remember(bytes)
    this.#sink!.chunk(bytes, last)
  }

  #remember(bytes: Uint8Array): void {
    this.#keptSize += bytes.byteLength
    if (this.#keptSize > this.#keepLimit) this.#forget()
    else if (bytes.byteLength > 0) this.#kept.push(Uint8Array.prototype.slice.call(bytes))
  }

  #forget(): void {
    this.#keepLimit = 0
    this.#keptSize = 0
    if (this.#kept.length > 0) this.#kept = []
  }

  /** From the listener. False: the body is larger than allowed, and nothing of this chunk was passed on. */
  receive(bytes: Uint8Array, last: boolean): boolean {
    this.received += bytes.byteLength
    if (this.received > this.limit) return false
    if (last) {
      this.complete = true
      this.#resumeFlow()
    }
    // Engines finish reading what their buffers hold after a pause: the consumer gets it when it asks again.
    if (this.#sink !== null && !this.#paused && this.#waiting.empty) {
      this.#handOn(bytes, last)
      return true
    }
    if (bytes.byteLength > 0 || (last && this.#waiting.empty)) this.#waiting.push(bytes)
    if (this.#sink === null && this.#waiting.size > WAITING_LIMIT && !last) this.pause()
    return true
  }

  /**
   * The consumer gets what `pipe` makes of the body; `failed` is called when it throws, in a later turn, unless the body
   * was reset by then: the failure is not that of the next request.
   */
  transform(pipe: BodyTransform, failed: (error: unknown) => void): void {
    this.#pipe = pipe
    this.#onFailure = (error) => {
      if (this.#pipe === pipe) failed(error)
    }
    this.length = UNKNOWN_LENGTH
  }

  /** From the consumer: takes what has waited at once, and the rest as it comes. */
  attach(sink: BodySink): void {
    this.#sink = this.#pipe === null ? sink : new TransformSink(sink, this.#pipe, this.#onFailure)
    if (this.complete && this.#waiting.empty) {
      // A transform cannot end twice.
      if (this.#pipe !== null) this.consumed = true
      this.#sink.chunk(NOTHING, true)
    } else if (this.#paused) this.resume()
    else this.#deliver()
  }

  /** Hands on what has waited, until the consumer pauses again. */
  #deliver(): void {
    if (this.#delivering || this.#sink === null) return
    this.#delivering = true
    while (!this.#paused) {
      const bytes = this.#waiting.shift()
      if (bytes === null) break
      this.#handOn(bytes, this.complete && this.#waiting.empty)
    }
    this.#delivering = false
  }

  /** The rest of the body is of no use to anybody: it is read and dropped. */
  discard(): void {
    this.#sink = DROP
    this.#forget()
    this.#waiting.clear()
    this.limit = Infinity
    this.resume()
  }

  pause(): void {
    if (this.#paused || (this.complete && this.#waiting.empty)) return
    this.#paused = true
    if (this.complete || this.#flowPaused) return
    this.#flowPaused = true
    this.#flow?.pauseBody()
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#deliver()
    // The client goes on only when everything that waited is gone.
    if (!this.#paused) this.#resumeFlow()
  }

  #resumeFlow(): void {
    if (!this.#flowPaused) return
    this.#flowPaused = false
    this.#flow?.resumeBody()
  }
}

const DROP: BodySink = { chunk() {} }

function ignore(): void {}

/** Stands before the consumer. Nothing may be thrown into the engine or the transport that delivers. */
class TransformSink implements BodySink {
  readonly #sink: BodySink
  readonly #pipe: BodyTransform
  readonly #failed: (error: unknown) => void
  #broken = false

  constructor(sink: BodySink, pipe: BodyTransform, failed: (error: unknown) => void) {
    this.#sink = sink
    this.#pipe = pipe
    this.#failed = failed
  }

  chunk(bytes: Uint8Array, last: boolean): void {
    if (this.#broken) return
    if (bytes.byteLength > 0) this.#pass(bytes)
    // Only now: what the last chunk gave is valid until `end` is called.
    if (last && !this.#broken) this.#finish()
  }

  #pass(bytes: Uint8Array): void {
    let out: Uint8Array | null
    try {
      out = this.#pipe.chunk(bytes)
    } catch (error) {
      this.#break(error)
      return
    }
    // Never without bytes: a consumer may take such a chunk for the end.
    if (out !== null && out.byteLength > 0) this.#sink.chunk(out, false)
  }

  #finish(): void {
    let tail: Uint8Array | null
    try {
      tail = this.#pipe.end()
    } catch (error) {
      this.#break(error)
      return
    }
    this.#sink.chunk(tail ?? NOTHING, true)
  }

  #break(error: unknown): void {
    this.#broken = true
    queueMicrotask(() => this.#failed(error))
  }
}
