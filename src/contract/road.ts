// What a listener and the road know of each other.
import type { Exchange } from './exchange.ts'

/** What the road does with an Exchange; the listener calls it. */
export interface Road {
  /** A request head is complete; everything that the engine forgets was copied. */
  handle(x: Exchange): void
  /** Body bytes, valid only during the call. */
  received(x: Exchange, bytes: Uint8Array, last: boolean): void
  /** The client's connection takes bytes again. */
  drained(x: Exchange): void
  /** The client's connection is gone. */
  aborted(x: Exchange): void
  /** What follows on the client's connection is not HTTP: answered with 400 if that is still possible. */
  malformed(x: Exchange): void
  /** A transform of the request body has failed. */
  bodyFailed(x: Exchange, error: unknown): void
  /** The promise that the Exchange was parked on has settled. */
  settled(x: Exchange, verdict: unknown): void
  rejected(x: Exchange, error: unknown): void
  /** A timer of the Exchange has fired. */
  timedOut(x: Exchange, total: boolean): void
  /** A second request may be worth it by now. */
  hedgeDue(x: Exchange): void
}

/** What one listener knows and lends to each of its Exchanges. */
export interface ListenerContext {
  readonly name: string
  readonly scheme: 'http' | 'https'
  /** Makes a path canonical; '' refuses it. */
  canonicalPath(raw: string): string
  /** The engine reads chunk framing leniently: a connection is not used again after a chunked request body. */
  readonly lenientChunks: boolean
  /** New replies close their connection: the listener is draining. */
  draining: boolean
  /** Exchanges between head and last byte. */
  active: number
  /** Takes a finished Exchange back; called once per request, never while anything may still hold it. */
  recycle(x: Exchange): void
}
