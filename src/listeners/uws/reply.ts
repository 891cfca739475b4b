// Reply on uWebSockets.js. Its rules, learned from its bytes and its sources:
// - one writeStatus with the whole head block is the cheapest head, and a Buffer is needed for bytes >= 0x80;
// - one cork callback writes no more than the cork buffer holds (16 KiB), or ends with a tryEnd. When the buffer runs over
//   and the kernel takes not all of it, uWS before 20.77 drops the write that made it run over (AsyncSocket::uncork); only
//   tryEnd says how much was taken. So chunked bodies leave in pieces, and large whole replies are streamed;
// - what is written outside of every cork is never dropped, but each part of it is a system call, and uWS warns once on
//   stderr: good enough for heads above 16 KiB;
// - res.write tells only whether there was room before it: the last piece's failure shows with the next one;
// - tryEnd streams a known length and must be given again, in onWritable, what the socket did not take;
// - while there is a handler onWritable uWS sets no timeout of its own (10 s) when the socket takes bytes again;
// - endWithoutBody with a length leaves the response open: bodyless heads carry their own Content-Length instead;
// - a streamed reply cannot ask uWS to close the connection (in chunked mode its Connection header lands inside the
//   body). So the head says `Connection: close`, and reading is paused before the last byte: no further request of
//   that connection is ever parsed, and the idle timeout of uWS closes it if the client does not. Only bytes that the
//   kernel does not take at once make uWS read again.
import type { HttpResponse } from 'uWebSockets.js'
import type { Exchange } from '../../contract/exchange.ts'
import { UNKNOWN_LENGTH, type Reply } from '../../contract/reply.ts'
import { drain, goOnReading, keepReading, stopReading } from './flow.ts'
import { headBlock, rawHead, withoutClose } from './head-block.ts'

const NOTHING = new Uint8Array(0)

/** Bytes that one cork callback may write: the cork buffer, less a margin for the framing of a chunk. */
const CORK_ROOM = 16 * 1024 - 64
/** Most bytes that uWS adds to a head: HTTP/1.1, Date, framing, Connection. */
const HEAD_EXTRA = 160
/** Bytes that ask whether uWS has room again: few, so that a slow client's buffer shrinks from one to the next. */
const PROBE = 1024

export class UwsReply implements Reply {
  readonly #x: Exchange
  #res: HttpResponse | null = null
  /** uWS has corked the socket and runs one of our handlers: what is written adds up, and closing would drop it. */
  inHandler = false
  /** Head block that waits for the first body byte: uWS cannot send one without the other. */
  #head: string | Uint8Array = ''
  #headWaits = false
  #total = UNKNOWN_LENGTH
  #close = false
  #bodyless = false
  /** What uWS was not given yet, or the socket did not take of a known length, and the offset at which it begins. */
  #rest: Uint8Array | null = null
  #restAt = 0
  /** A bodyless reply that closes its connection in the next turn of the loop. */
  #closing: HttpResponse | null = null
  #chunk: Uint8Array = NOTHING
  /** False: `Road.drained` is due. */
  #took = true
  #watched = false
  /** The request body shall not be read; it is all the same while bytes wait for the client. */
  #held = false
  #body: string | Uint8Array = ''
  readonly #wholeCorked: () => void
  readonly #pieceCorked: () => void
  readonly #tryCorked: () => void
  readonly #resumeCorked: () => void
  readonly #endCorked: () => void
  readonly #onWritable: (offset: number) => boolean

  constructor(x: Exchange) {
    this.#x = x
    this.#wholeCorked = () => void this.#res!.writeStatus(this.#head).end(this.#body, this.#x.closeAfter)
    this.#pieceCorked = () => {
      const res = this.#res!
      this.#sendHead(res)
      if (this.#chunk.byteLength > 0) this.#took = res.write(this.#chunk)
    }
    this.#tryCorked = () => this.#try(this.#res!)
    this.#resumeCorked = () => void this.#resume(this.#res!.getWriteOffset())
    this.#endCorked = () => this.#end()
    this.#onWritable = (offset) => this.#resume(offset)
  }

  start(res: HttpResponse): void {
    this.#res = res
    this.inHandler = true
    this.#headWaits = false
    this.#total = UNKNOWN_LENGTH
    this.#close = false
    this.#bodyless = false
    this.#rest = null
    this.#took = true
    this.#watched = false
    this.#held = false
  }

  /** The reply is not complete. */
  get pending(): boolean {
    return this.#res !== null || this.#closing !== null
  }

  /** The connection is gone: uWS forbids any further call. */
  detach(): void {
    this.#res = null
    this.#rest = null
    this.#closing = null
  }

  head(x: Exchange): void {
    this.#total = x.responseLength
    this.#close = x.closeAfter
    this.#bodyless = x.bodyless
    this.#head = headBlock(x, x.closeAfter)
    this.#headWaits = true
  }

  write(bytes: Uint8Array): boolean {
    const res = this.#res
    if (res === null) return true
    if (this.#rest !== null) {
      // The end of a transformed body does not wait.
      this.#rest = Buffer.concat([this.#rest, bytes])
      return false
    }
    if (this.inHandler && (this.#total === UNKNOWN_LENGTH || this.#longHead)) return this.#writeLater(res, bytes)
    if (this.#endsConnection(bytes)) return this.#writeLast(res, bytes)
    if (this.#headWaits && this.#longHead) this.#sendHead(res)
    if (this.#total === UNKNOWN_LENGTH) {
      if (bytes.byteLength > 0) this.#stream(res, bytes)
    } else {
      this.#chunk = bytes
      if (this.inHandler) this.#try(res)
      else res.cork(this.#tryCorked)
      this.#chunk = NOTHING
    }
    return this.#took
  }

  /** All of a reply after which the connection closes: uWS can do so by itself, rather than after 10 s. */
  #endsConnection(bytes: Uint8Array): boolean {
    if (!this.#close || !this.#headWaits || this.inHandler || bytes.byteLength !== this.#total) return false
    return this.#x.body.complete && this.#head.length + HEAD_EXTRA + bytes.byteLength <= CORK_ROOM
  }

  #writeLast(res: HttpResponse, bytes: Uint8Array): boolean {
    this.#headWaits = false
    this.#head = withoutClose(this.#head)
    this.#body = bytes
    res.cork(this.#wholeCorked)
    this.#body = ''
    this.#res = null
    return true
  }

  /** The handler's cork may hold other replies already: this one waits for a cork of its own. */
  #writeLater(res: HttpResponse, bytes: Uint8Array): boolean {
    this.#rest = copy(bytes, 0)
    this.#restAt = 0
    this.#took = false
    this.#watch(res)
    setImmediate(() => {
      if (this.#res !== res || this.#rest === null) return
      if (this.#longHead) this.#sendHead(res)
      if (this.#total === UNKNOWN_LENGTH) this.#resume(0)
      else res.cork(this.#resumeCorked)
    })
    return false
  }

  #stream(res: HttpResponse, bytes: Uint8Array): void {
    if (!this.#watched) this.#watch(res)
    const given = this.#give(res, bytes)
    if (given < bytes.byteLength) this.#rest = copy(bytes, given)
  }

  /** Writes a part of a chunked body, in pieces that fit, until one is not taken. Returns how much uWS has now. */
  #give(res: HttpResponse, bytes: Uint8Array): number {
    // No tiny piece at the end of a chunk that is just too large.
    const head = this.#headWaits ? this.#head.length + HEAD_EXTRA : 0
    const length = head + bytes.byteLength
    const size = Math.ceil(length / Math.ceil(length / CORK_ROOM))
    let at = 0
    let end = Math.max(size - head, 0)
    this.#took = true
    for (;;) {
      this.#chunk = at === 0 && end >= bytes.byteLength ? bytes : bytes.subarray(at, end)
      res.cork(this.#pieceCorked)
      at = end
      if (!this.#took || at >= bytes.byteLength) break
      end = Math.min(at + size, bytes.byteLength)
    }
    this.#chunk = NOTHING
    return at
  }

  #try(res: HttpResponse): void {
    this.#sendHead(res)
    const before = res.getWriteOffset()
    if (before + this.#chunk.byteLength >= this.#total) this.#beforeLast(res)
    const [took, done] = res.tryEnd(this.#chunk, this.#total)
    this.#took = took || done
    if (done) {
      this.#res = null
      return
    }
    if (!took) {
      const sent = res.getWriteOffset() - before
      this.#rest = copy(this.#chunk, sent)
      this.#restAt = before + sent
    }
    if (!this.#watched) this.#watch(res)
  }

  /** Once the last byte is given to uWS the socket can be neither paused nor resumed. */
  #beforeLast(res: HttpResponse): void {
    if (this.#close) res.pause()
    else if (!this.#x.body.complete) this.#x.body.discard()
  }

  #watch(res: HttpResponse): void {
    this.#watched = true
    res.onWritable(this.#onWritable)
  }

  #resume(offset: number): boolean {
    const res = this.#res
    if (res === null) return true
    if (this.#rest === null) drain(res)
    else if (!(this.#total === UNKNOWN_LENGTH ? this.#giveRest(res) : this.#tryRest(res, offset))) return false
    this.#took = true
    if (this.#held && this.#res !== null) stopReading(res)
    this.#x.road.drained(this.#x)
    return true
  }

  #giveRest(res: HttpResponse): boolean {
    let rest = this.#rest!
    const probe = Math.min(rest.byteLength, PROBE)
    rest = rest.subarray(this.#give(res, rest.subarray(0, probe)))
    if (this.#took && rest.byteLength > 0) rest = rest.subarray(this.#give(res, rest))
    this.#rest = rest.byteLength === 0 ? null : rest
    return this.#took
  }

  #tryRest(res: HttpResponse, offset: number): boolean {
    this.#sendHead(res)
    const rest = this.#rest!.subarray(offset - this.#restAt)
    if (offset + rest.byteLength >= this.#total) this.#beforeLast(res)
    const [took, done] = res.tryEnd(rest, this.#total)
    if (done) this.#res = null
    else if (!took) return false
    this.#rest = null
    return true
  }

  end(): void {
    const res = this.#res
    if (res === null) return // tryEnd has completed it with the last byte
    if (this.inHandler) {
      this.#end()
    } else {
      if (this.#headWaits && this.#longHead && !(this.#bodyless && this.#close)) this.#sendHead(res)
      res.cork(this.#endCorked)
    }
    this.#res = null
  }

  #end(): void {
    const res = this.#res!
    if (this.#bodyless) {
      this.#endBodyless(res)
      return
    }
    this.#sendHead(res)
    this.#beforeLast(res)
    if (this.#total === UNKNOWN_LENGTH) res.end()
    else res.tryEnd(NOTHING, this.#total)
  }

  #endBodyless(res: HttpResponse): void {
    this.#beforeLast(res)
    if (!this.#close) {
      this.#sendHead(res)
      res.endWithoutBody()
      return
    }
    // endWithoutBody cannot close without inventing a Content-Length, so the block carries its own end and the
    // socket is closed behind it, outside of every cork. Closing calls onAborted: the Exchange must not be in use again.
    this.#x.shared = true
    this.#closing = res
    setImmediate(() => {
      if (this.#closing === null) return
      const head = rawHead(this.#head)
      if (this.#longHead) res.writeStatus(head)
      else res.cork(() => void res.writeStatus(head))
      res.close()
    })
  }

  /** It does not fit into a cork: it is written outside of every cork. */
  get #longHead(): boolean {
    return this.#head.length + HEAD_EXTRA > CORK_ROOM
  }

  #sendHead(res: HttpResponse): void {
    if (!this.#headWaits) return
    this.#headWaits = false
    res.writeStatus(this.#head)
  }

  whole(x: Exchange, body: string | Uint8Array): boolean {
    const res = this.#res
    if (res === null) return true
    if (x.bodyless) {
      x.responseLength = x.method === 'HEAD' ? byteLength(body) : UNKNOWN_LENGTH
      this.head(x)
      this.end()
      return true
    }
    // uWS writes `Connection: close` itself here, and closes when the last byte is out.
    this.#head = headBlock(x, false)
    const room = CORK_ROOM - HEAD_EXTRA - this.#head.length
    // A character takes three bytes at most.
    if (body.length * 3 > room && byteLength(body) > room) return this.#wholeStreamed(x, body)
    if (!x.closeAfter && !x.body.complete) x.body.discard()
    if (this.inHandler) {
      res.writeStatus(this.#head).end(body, x.closeAfter)
    } else {
      this.#body = body
      res.cork(this.#wholeCorked)
      this.#body = ''
    }
    this.#res = null
    return true
  }

  #wholeStreamed(x: Exchange, body: string | Uint8Array): boolean {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body
    x.responseLength = bytes.byteLength
    this.head(x)
    // What is left of the upload may come for as long as the client takes to read this.
    if (!x.body.complete) x.body.discard()
    if (bytes.byteLength > 0) return this.write(bytes)
    this.end()
    return true
  }

  cut(): void {
    const res = this.#res
    this.#res = null
    res?.close()
  }

  pauseBody(): void {
    this.#held = true
    // Else as soon as the client has read what waits: without polling nobody would tell us.
    if (this.#res !== null && this.#took) stopReading(this.#res)
  }

  resumeBody(): void {
    this.#held = false
    const res = this.#res
    if (res === null) return
    goOnReading(res)
    if (this.#x.body.complete) keepReading(res, () => this.#res === res)
  }
}

/** The slice of a Buffer would still be the transport's memory. */
function copy(bytes: Uint8Array, from: number): Uint8Array {
  return Uint8Array.prototype.slice.call(bytes, from)
}

function byteLength(body: string | Uint8Array): number {
  return typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength
}
