// How an Exchange answers. Two implementations: listeners/uws and listeners/node.
import type { Exchange } from './exchange.ts'

/** The body has as many bytes as come; framing is the engine's affair. */
export const UNKNOWN_LENGTH = -1

/**
 * The client's side of one Exchange. The head is taken from the Exchange: `status`, `responseHeaders` (without
 * framing fields), `responseLength` and `bodyless`. After `end`, `whole` or `cut` nothing may be called any more.
 */
export interface Reply {
  /** Sends the head; `write` and `end` follow. */
  head(x: Exchange): void
  /** Body bytes, valid only during the call. False: wait for `Road.drained` before the next. */
  write(bytes: Uint8Array): boolean
  /** The body is complete. */
  end(): void
  /**
   * Head and whole body in one. Ignores `responseLength`. False: the client does not take all of it yet; the Exchange
   * must live until `Road.drained`, and nothing but `end` may follow then.
   */
  whole(x: Exchange, body: string | Uint8Array): boolean
  /** Closes the client's connection now, whatever was sent: what looks cut to the client was cut. */
  cut(): void
  /** Stops and restarts the arrival of request body bytes. */
  pauseBody(): void
  resumeBody(): void
}
