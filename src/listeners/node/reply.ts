// Reply on node:http.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Exchange } from '../../contract/exchange.ts'
import { UNKNOWN_LENGTH, type Reply } from '../../contract/reply.ts'

const NON_ASCII = /[\x80-\xff]/

export class NodeReply implements Reply {
  readonly #x: Exchange
  readonly #request: IncomingMessage
  readonly #response: ServerResponse

  constructor(x: Exchange, request: IncomingMessage, response: ServerResponse) {
    this.#x = x
    this.#request = request
    this.#response = response
    response.on('drain', () => x.road.drained(x))
  }

  head(x: Exchange): void {
    this.#writeHead(x, x.responseLength)
    // The head leaves at once, unless it has bytes that node would then write as UTF-8.
    if (!x.bodyless && !x.responseHeaders.flat.some((text) => NON_ASCII.test(text))) this.#response.flushHeaders()
  }

  #writeHead(x: Exchange, length: number): void {
    x.openHead()
    const headers = x.responseHeaders.toArray()
    if (length !== UNKNOWN_LENGTH && x.status !== 204) headers.push('content-length', String(length))
    if (x.closeAfter) headers.push('connection', 'close')
    this.#response.writeHead(x.status, headers)
  }

  write(bytes: Uint8Array): boolean {
    // Copied: node keeps what the socket does not take at once.
    return this.#response.write(Uint8Array.prototype.slice.call(bytes))
  }

  end(): void {
    this.#response.end()
  }

  whole(x: Exchange, body: string | Uint8Array): true {
    const length = typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength
    this.#writeHead(x, x.bodyless && x.method !== 'HEAD' ? UNKNOWN_LENGTH : length)
    // As bytes: a string would make node write the head as UTF-8 too.
    this.#response.end(x.bodyless ? undefined : Buffer.from(body as string))
    return true // node keeps what the socket does not take
  }

  cut(): void {
    const { socket } = this.#response
    // A body that ends with its connection (HTTP/1.0) looks whole after a FIN; a reset cannot be mistaken.
    if (this.#x.minorVersion === 0) socket?.resetAndDestroy()
    else socket?.destroy()
  }

  pauseBody(): void {
    this.#request.pause()
  }

  resumeBody(): void {
    this.#request.resume()
  }
}
