// How bytes reach an endpoint: the own HTTP/1.1 client (wire) or undici; HTTP/2 takes the same place later.
import type { Failure } from '../base/errors.ts'
import type { Exchange } from './exchange.ts'

/** A try of one Exchange at one endpoint. */
export interface Attempt {
  /** It waits because every connection that may be opened is busy. */
  readonly queued: boolean
  /** Gives up: the connection is closed if it cannot be used again. Nothing is called back afterwards. */
  cancel(): void
  /** Stops and restarts the arrival of response body bytes. */
  pause(): void
  resume(): void
}

/** What a transport tells. For one attempt: `connected`, `sent`, `head`, `data`..., `ended`; or at any time, once, `failed`. */
export interface ResponseReceiver {
  /** The request is on a connection; its head was written. */
  connected(x: Exchange): void
  /** The request, with its body, was written. */
  sent(x: Exchange): void
  /** `x.status` and `x.responseLength` are set, and either `x.responseHead` or `x.responseHeaders`. */
  head(x: Exchange): void
  /** Body bytes, valid only during the call. */
  data(x: Exchange, bytes: Uint8Array): void
  ended(x: Exchange): void
  /** `untouched`: a connection that was used before ended without one byte of the reply. */
  failed(x: Exchange, failure: Failure, untouched: boolean): void
}

export interface Transport {
  /**
   * Sends the request of `x`, as its upstreamTarget and upstreamHeaders have it, and reports to `receiver`, perhaps
   * before it returns; `failed` always comes later.
   * `fresh` asks for a connection that no request has used before.
   */
  send(x: Exchange, receiver: ResponseReceiver, fresh: boolean): Attempt
  /** Connections that are open now. */
  readonly connections: number
  /** Ends idle connections at once and busy ones when their exchange is over. */
  close(): void
}
