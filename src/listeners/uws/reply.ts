// Reply on uWebSockets.js. Its rules, learned from its bytes (FIELD-NOTES in words, reply.test.ts in tests):
// - one writeStatus with the whole head block is the cheapest head, and a Buffer is needed for bytes >= 0x80;
// - tryEnd streams a known length and must be given again, in onWritable, what the socket did not take;
// - endWithoutBody with a length leaves the response open: bodyless heads carry their own Content-Length instead;
// - a streamed reply cannot ask uWS to close the connection (in chunked mode its Connection header lands inside the
//   body). So the head says `Connection: close`, and reading is paused before the last byte: no further request of
//   that connection is ever parsed, and the idle timeout of uWS closes it if the client does not.
import type { HttpResponse } from 'uWebSockets.js'
import { statusLine } from '../../base/status-text.ts'
import type { Exchange } from '../../contract/exchange.ts'
import { UNKNOWN_LENGTH, type Reply } from '../../contract/reply.ts'

const NOTHING = new Uint8Array(0)

export class UwsReply implements Reply {
  readonly #x: Exchange
  #res: HttpResponse | null = null
  /** The handler of the request has not returned: uWS has corked the socket, and closing it would drop the cork. */
  inHandler = false
  /** Head block that waits for the first body byte: uWS cannot send one without the other. */
  #head: string | Uint8Array = ''
  #headWaits = false
  #total = UNKNOWN_LENGTH
  #close = false
  #bodyless = false
  /** What the socket did not take of a known-length body, and the offset at which it begins. */
  #rest: Uint8Array | null = null
  #restAt = 0
  /** A bodyless reply that closes its connection in the next turn of the loop. */
  #closing: HttpResponse | null = null
  #chunk: Uint8Array = NOTHING
  #took = true
  #blocked = false
  #body: string | Uint8Array = ''
  readonly #wholeCorked: () => void
  readonly #writeCorked: () => void
  readonly #endCorked: () => void
  readonly #onWritable: (offset: number) => boolean

  constructor(x: Exchange) {
    this.#x = x
    this.#wholeCorked = () => void this.#res!.writeStatus(this.#head).end(this.#body, this.#x.closeAfter)
    this.#writeCorked = () => this.#write()
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
    this.#blocked = false
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
    this.#chunk = bytes
    if (this.inHandler) this.#write()
    else res.cork(this.#writeCorked)
    this.#chunk = NOTHING
    return this.#took
  }

  #write(): void {
    const res = this.#res!
    this.#sendHead(res)
    if (this.#total === UNKNOWN_LENGTH) {
      this.#took = res.write(this.#chunk)
      if (!this.#took) this.#block(res)
      return
    }
    const before = res.getWriteOffset()
    if (before + this.#chunk.byteLength >= this.#total) this.#beforeLast(res)
    const [took, done] = res.tryEnd(this.#chunk, this.#total)
    this.#took = took || done
    if (done) this.#res = null
    else if (!took) {
      const sent = res.getWriteOffset() - before
      this.#rest = this.#chunk.slice(sent)
      this.#restAt = before + sent
      this.#block(res)
    }
  }

  /** Once the last byte is given to uWS the socket can be neither paused nor resumed. */
  #beforeLast(res: HttpResponse): void {
    if (this.#close) res.pause()
    else if (!this.#x.body.complete) this.#x.body.discard()
  }

  #block(res: HttpResponse): void {
    if (this.#blocked) return
    this.#blocked = true
    res.onWritable(this.#onWritable)
  }

  #resume(offset: number): boolean {
    const res = this.#res
    if (res === null) return true
    if (this.#rest === null) {
      res.cork(noop) // otherwise what uWS has buffered may not drain
    } else {
      const rest = this.#rest.subarray(offset - this.#restAt)
      if (offset + rest.byteLength >= this.#total) this.#beforeLast(res)
      const [took, done] = res.tryEnd(rest, this.#total)
      if (done) this.#res = null
      else if (!took) return false
      this.#rest = null
    }
    this.#x.road.drained(this.#x)
    return true
  }

  end(): void {
    const res = this.#res
    if (res === null) return // tryEnd has completed it with the last byte
    if (this.inHandler) this.#end()
    else res.cork(this.#endCorked)
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
      res.writeStatus(this.#head).endWithoutBody()
      return
    }
    // endWithoutBody cannot close without inventing a Content-Length, so the block carries its own end and the
    // socket is closed behind it, outside of every cork. Closing calls onAborted: the Exchange must not be in use again.
    this.#x.shared = true
    this.#closing = res
    setImmediate(() => {
      if (this.#closing === null) return
      const head = rawHead(this.#head)
      res.cork(() => void res.writeStatus(head))
      res.close()
    })
  }

  #sendHead(res: HttpResponse): void {
    if (!this.#headWaits) return
    this.#headWaits = false
    res.writeStatus(this.#head)
  }

  whole(x: Exchange, body: string | Uint8Array): void {
    const res = this.#res
    if (res === null) return
    if (x.bodyless) {
      x.responseLength = x.method === 'HEAD' ? byteLength(body) : UNKNOWN_LENGTH
      this.head(x)
      this.end()
      return
    }
    if (!x.closeAfter && !x.body.complete) x.body.discard()
    // uWS writes `Connection: close` itself here, and closes when the last byte is out.
    this.#head = headBlock(x, false)
    if (this.inHandler) {
      res.writeStatus(this.#head).end(body, x.closeAfter)
    } else {
      this.#body = body
      res.cork(this.#wholeCorked)
      this.#body = ''
    }
    this.#res = null
  }

  cut(): void {
    const res = this.#res
    this.#res = null
    res?.close()
  }

  pauseBody(): void {
    this.#res?.pause()
  }

  resumeBody(): void {
    this.#res?.resume()
  }
}

/** Status line and fields without the last line end, which uWS adds; Date and framing are uWS's own. */
function headBlock(x: Exchange, close: boolean): string | Uint8Array {
  if (x.responseHead !== null && !x.bodyless && !close) {
    const block = x.responseHead.block(x.responseEdits)
    if (block !== null) return block
  }
  x.openHead()
  let block = statusLine(x.status)
  const { flat, length } = x.responseHeaders
  for (let i = 0; i < length; i += 2) {
    const name = flat[i]!
    if (name !== 'date') block += '\r\n' + name + ': ' + flat[i + 1]!
  }
  if (x.bodyless && x.responseLength >= 0 && x.status !== 204) block += '\r\ncontent-length: ' + x.responseLength
  if (close) block += '\r\nconnection: close'
  return NON_ASCII.test(block) ? Buffer.from(block, 'latin1') : block
}

/** The head with a Date and the line end that closes a head when uWS adds one more. */
function rawHead(block: string | Uint8Array): string | Buffer {
  const tail = '\r\ndate: ' + new Date().toUTCString() + '\r\n'
  return typeof block === 'string' ? block + tail : Buffer.concat([block, Buffer.from(tail)])
}

function byteLength(body: string | Uint8Array): number {
  return typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength
}

const NON_ASCII = /[\x80-\xff]/

function noop(): void {}
