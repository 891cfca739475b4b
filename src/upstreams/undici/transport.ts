// undici as a Transport: one pool per endpoint. It serves TLS upstreams, and is the reference for the own client.
import { Client, Pool, type Dispatcher } from 'undici'
import { ERRORS, Failure } from '../../base/errors.ts'
import type { TimerWheel } from '../../base/timer-wheel.ts'
import type { Exchange } from '../../contract/exchange.ts'
import type { Attempt, ResponseReceiver, Transport } from '../../contract/transport.ts'
import { Connector } from './connector.ts'
import { failureOf } from './failure.ts'
import { RequestStream } from './request-stream.ts'
import { readHead } from './response-head.ts'

export interface UndiciOptions {
  /** ms */
  readonly connectTimeout: number
  /** Most connections to the endpoint. */
  readonly maxConnections: number
  /** Most requests that wait for one of them. */
  readonly queue: number
  /** ms that an idle connection is kept. */
  readonly keepAlive: number
  /** bytes */
  readonly maxHeadSize: number
}

export class UndiciTransport implements Transport {
  readonly #origin: string
  readonly #options: UndiciOptions
  readonly #connector: Connector
  readonly #clientOptions: Client.Options
  readonly #pool: Pool
  #inFlight = 0

  constructor(origin: string, options: UndiciOptions, wheel: TimerWheel) {
    this.#origin = origin
    this.#options = options
    this.#connector = new Connector(wheel, options.connectTimeout)
    this.#clientOptions = {
      connect: this.#connector.connect,
      allowH2: false,
      pipelining: 1,
      keepAliveTimeout: options.keepAlive,
      keepAliveMaxTimeout: options.keepAlive,
      maxHeaderSize: options.maxHeadSize,
      // The timer wheel of the road measures both, with the reasons that it knows.
      headersTimeout: 0,
      bodyTimeout: 0,
    }
    this.#pool = new Pool(origin, { ...this.#clientOptions, connections: options.maxConnections })
  }

  get connections(): number {
    return this.#connector.open
  }

  send(x: Exchange, receiver: ResponseReceiver, fresh: boolean): Attempt {
    const attempt = new UndiciAttempt(x, receiver, this.#connector, () => this.#inFlight--)
    if (this.#inFlight >= this.#options.maxConnections + this.#options.queue) {
      attempt.refuse(new Failure(ERRORS.upstreamOverloaded))
    } else {
      this.#inFlight++
      if (fresh) this.#sendFresh(attempt)
      else this.#pool.dispatch(attempt.options, attempt)
    }
    attempt.isSent = true
    return attempt
  }

  // The pool hands out whatever connection is idle, perhaps one more that is dying: a client of its own cannot.
  #sendFresh(attempt: UndiciAttempt): void {
    const client = new Client(this.#origin, this.#clientOptions)
    client.dispatch(attempt.options, attempt)
    client.close().catch(() => {})
  }

  close(): void {
    this.#pool.close().catch(() => {})
  }
}

class UndiciAttempt implements Attempt, Dispatcher.DispatchHandler {
  readonly options: Dispatcher.DispatchOptions
  /** `send` has returned. */
  isSent = false
  readonly #x: Exchange
  readonly #receiver: ResponseReceiver
  readonly #connector: Connector
  readonly #left: () => void
  #controller: Dispatcher.DispatchController | null = null
  #headReceived = false
  #done = false
  #released = false

  constructor(x: Exchange, receiver: ResponseReceiver, connector: Connector, left: () => void) {
    this.#x = x
    this.#receiver = receiver
    this.#connector = connector
    this.#left = left
    this.options = {
      path: x.upstreamTarget,
      method: x.method,
      headers: fieldsOf(x),
      body: x.body.length === 0 ? null : new RequestStream(x.body),
      // Otherwise undici closes the connection after every HEAD.
      reset: false,
    }
  }

  /** Fails before anything was tried. */
  refuse(failure: Failure): void {
    this.#released = true
    this.#fail(failure, false)
  }

  /** undici does not tell. */
  get queued(): boolean {
    return false
  }

  cancel(): void {
    if (this.#done) return
    this.#done = true
    this.#detachBody()?.destroy()
    this.#controller?.abort(CANCELLED)
  }

  pause(): void {
    this.#controller?.pause()
  }

  resume(): void {
    this.#controller?.resume()
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#done) controller.abort(CANCELLED)
    else this.#receiver.connected(this.#x)
  }

  onRequestSent(): void {
    if (!this.#done) this.#receiver.sent(this.#x)
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    if (this.#done || status < 200) return // informational replies end here
    if (!readHead(this.#x, status, controller.rawHeaders as Buffer[])) {
      this.#fail(new Failure(ERRORS.upstreamProtocol, '', new Error('a header value has forbidden characters')), false)
      controller.abort(CANCELLED)
      return
    }
    this.#headReceived = true
    this.#receiver.head(this.#x)
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#done) this.#receiver.data(this.#x, chunk)
  }

  onResponseEnd(): void {
    this.#release()
    if (this.#done) return
    if (this.#connector.breaking) {
      this.#fail(new Failure(ERRORS.upstreamTruncated, '', new Error('reset before the end of the body')), false)
      return
    }
    this.#done = true
    this.#detachBody()
    this.#receiver.ended(this.#x)
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#release()
    const failure = failureOf(error, this.#controller !== null, this.#headReceived)
    this.#fail(failure, !this.#headReceived && failure.kind.retry)
  }

  #fail(failure: Failure, untouched: boolean): void {
    if (!this.isSent) {
      // undici tells at once of what it cannot send; callers do not expect to be called back before `send` returns.
      queueMicrotask(() => this.#fail(failure, untouched))
      return
    }
    if (this.#done) return
    this.#done = true
    this.#detachBody()
    this.#receiver.failed(this.#x, failure, untouched)
  }

  #detachBody(): RequestStream | null {
    const { body } = this.options
    if (!(body instanceof RequestStream)) return null
    body.detach()
    return body
  }

  #release(): void {
    if (this.#released) return
    this.#released = true
    this.#left()
  }
}

const CANCELLED = new Error('cancelled by the gateway')

function fieldsOf(x: Exchange): string[] {
  const fields = x.upstreamHeaders.toArray()
  const traceparent = x.trace.forwarded
  if (traceparent !== '') fields.push('traceparent', traceparent)
  return fields
}
