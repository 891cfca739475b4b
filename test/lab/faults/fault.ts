// What can be wrong with an endpoint. Plain data, so that it can be sent to another process and written in a table.

/** All times in ms. */
export type Fault =
  | { readonly kind: 'healthy' }
  /** Nobody listens: connections are refused, the live ones are reset. */
  | { readonly kind: 'refuse' }
  /** Accepts and reads, never answers. What it holds when the fault ends stays without an answer. */
  | { readonly kind: 'stall' }
  /** Connecting hangs, and live connections are dead but open: a host that vanished. See blackhole.ts. */
  | { readonly kind: 'blackhole' }
  /** One byte each `every` (100): from the first byte of the head, or the body only. */
  | { readonly kind: 'drip'; readonly part: 'head' | 'body'; readonly every?: number }
  /** RST after the request was read: before a byte of the reply, or in the middle of its body. */
  | { readonly kind: 'reset'; readonly at: 'start' | 'body' }
  /**
   * long: content-length is larger than the body, then FIN. short: it is smaller. garbage: no HTTP at all.
   * second: one more reply that nobody asked for.
   */
  | { readonly kind: 'lie'; readonly about: 'long' | 'short' | 'garbage' | 'second' }
  /** This share of the requests (1) is answered with `status` (503), evenly spread and not at random. */
  | { readonly kind: 'errors'; readonly share?: number; readonly status?: number }
  /** Answers after `from`, growing to `to` during `over`. */
  | { readonly kind: 'slow'; readonly from: number; readonly to?: number; readonly over?: number }
  /** Refuses for `downtime` (1000), then is healthy on the same port. */
  | { readonly kind: 'restart'; readonly downtime?: number }
  /** FIN right after each reply, without having announced it. */
  | { readonly kind: 'close-idle' }

export const HEALTHY: Fault = { kind: 'healthy' }

/** How an endpoint is to be reached under a fault. */
export type Door = 'open' | 'closed' | 'blackhole'

export function doorOf(fault: Fault): Door {
  if (fault.kind === 'refuse' || fault.kind === 'restart') return 'closed'
  return fault.kind === 'blackhole' ? 'blackhole' : 'open'
}

/** ms that a slow endpoint takes, `since` ms after it became slow. */
export function slowness(fault: Fault & { readonly kind: 'slow' }, since: number): number {
  const { from, to = from, over = 0 } = fault
  return over <= 0 ? to : from + (to - from) * Math.min(1, since / over)
}
