// The request body as the stream that undici wants, with backpressure to the client.
import { Readable } from 'node:stream'
import type { BodySink, RequestBody } from '../../contract/request-body.ts'

const BUFFERED = 64 * 1024

export class RequestStream extends Readable implements BodySink {
  /** null when the attempt is over: the body belongs to a pooled Exchange, which may serve another request by then. */
  #body: RequestBody | null
  #attached = false

  constructor(body: RequestBody) {
    super({ highWaterMark: BUFFERED })
    this.#body = body
  }

  override _read(): void {
    if (!this.#attached) {
      this.#attached = true
      this.#body?.attach(this)
    } else {
      this.#body?.resume()
    }
  }

  detach(): void {
    this.#body = null
  }

  chunk(bytes: Uint8Array, last: boolean): void {
    if (this.destroyed || this.#body === null) return
    // Copied: the engine takes its buffer back when this returns.
    if (bytes.byteLength > 0 && !this.push(Uint8Array.prototype.slice.call(bytes)) && !last) this.#body?.pause()
    if (last) this.push(null)
  }
}
