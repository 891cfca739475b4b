// A named group of endpoints with one policy, as the road sees it: who gets the next request, what became of it, and what
// happens when it fails.
import type { Exchange } from './exchange.ts'
import type { FixedReply } from './snapshot.ts'
import type { Transport } from './transport.ts'

/** What became of a request at an endpoint. UNKNOWN says nothing about the endpoint: the client went away, say. */
export const SUCCEEDED = 0
export const FAILED_THERE = 1
export const UNKNOWN = 2
export type Outcome = typeof SUCCEEDED | typeof FAILED_THERE | typeof UNKNOWN

/** One address of an upstream, with what is known of it now. Lives outside snapshots. */
export interface Endpoint {
  /** Origin, e.g. `http://127.0.0.1:9001`. */
  readonly url: string
  readonly transport: Transport
  /** A request is sent. Returns the ticket that `settle` wants back. */
  begin(): number
  /** It got a connection. */
  connected(): void
  /**
   * It is known what became of it, though its body may go on; called once per `begin`. `latency`: ms to the head of the
   * reply, or to the failure; below 0 if it says nothing about how fast the endpoint is.
   */
  settle(ticket: number, outcome: Outcome, latency: number): void
  /** It is over; called once per `begin`, after `settle`. `hadConnection`: as `connected` told. */
  end(hadConnection: boolean): void
  /** The reply has a field that says how loaded the endpoint is. */
  reported(load: string): void
}

/** Methods whose requests may be repeated (RFC 9110 section 9.2.2), of those that are served. */
export const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])

/** What extra requests are taken from: a share of the others. */
export interface ExtraRequests {
  /** Since the start. */
  readonly taken: number
  /** Counts a request: the budget is a share of them. */
  requested(): void
  /** One more fits the budget; it is taken from it. */
  take(): boolean
}

/** Reasons for another try, as bits. */
export const CONNECT_FAILURE = 1
export const RESET = 2
export const TIMEOUT = 4
export const STATUS = 8

export interface RetryPolicy {
  /** Tries after the first. */
  readonly attempts: number
  /** Bits of the reasons above. */
  readonly reasons: number
  /** Statuses that are a reason. */
  readonly statuses: ReadonlySet<number>
  /** Methods that may be repeated once the upstream may have seen the request. */
  readonly methods: ReadonlySet<string>
  /** Only endpoints that were not tried yet get another try. */
  readonly elsewhere: boolean
  /** ms from a try, or from the end of its upload, to the head of its reply; 0: no limit of its own. */
  readonly perTry: number
  /** Most bytes of a body that are kept to be sent again. */
  readonly bodyLimit: number
  readonly budget: ExtraRequests
  /** ms to wait before the try `number`, from 1. */
  backoff(number: number): number
}

export interface HedgePolicy {
  /** ms after which a second request is worth it; 0: not known yet. */
  after(): number
  readonly budget: ExtraRequests
}

/** What requests get while nothing may be sent to the upstream. */
export interface Fallback {
  readonly upstream: Upstream | null
  readonly respond: FixedReply | null
}

export interface Upstream {
  readonly name: string
  readonly timeouts: UpstreamTimeouts
  readonly retries: RetryPolicy | null
  readonly hedge: HedgePolicy | null
  readonly fallback: Fallback | null
  /** The client is bound to an endpoint by a cookie. */
  readonly sticky: Sticky | null
  /** Endpoints report their load in their replies. */
  readonly readsLoad: boolean
  /** The endpoint for this request, one that it has not tried if there is one; null when none may be sent to. */
  pick(x: Exchange): Endpoint | null
  /** There is an endpoint that this request has not tried. */
  hasOther(x: Exchange): boolean
  /** ms until `pick` may be worth another call after it gave null; 0 when nobody knows. */
  readonly retryAfter: number
  /** A breaker or a limit is why `pick` gave null, not the absence of endpoints. */
  readonly isOpen: boolean
}

export interface Sticky {
  /** The Set-Cookie value that binds the client to the endpoint of `x`; '' if it is bound already. */
  bind(x: Exchange): string
}

/** Milliseconds; 0 is no limit. */
export interface UpstreamTimeouts {
  readonly connect: number
  readonly response: number
  readonly idle: number
  readonly total: number
  /** Request field, in lower case, that tells the upstream the ms left of `total`; '' for none. */
  readonly header: string
}
