// The end of a gateway, in the order that loses nothing: readiness off, listeners closed, requests finished, pools closed.
import { performance } from 'node:perf_hooks'
import type { Listener } from '../contract/listener.ts'

/** ms between looks at what is still in flight. */
const LOOK = 20

/**
 * ms that connections without a request may stay, so that those that are in use get a reply that says `Connection: close`
 * rather than a request that meets a closed connection. Clients that come anew find nobody, so that more brings little.
 */
const IDLE_GRACE = 200

export interface Drain {
  /** ms that requests may take to finish, from the close of the listeners on. */
  readonly limit: number
  /** ms before the listeners are closed: balancers learn that this gateway is not ready, clients that they should come anew. */
  readonly delay?: number
  /**
   * Clients that come anew find another gateway at these addresses: connections may stay for the whole limit, and none is
   * closed because it is idle just now.
   */
  readonly succeeded?: boolean
}

/** Waits until nothing is in flight. Resolves with how many requests were cut off. */
export async function drain(
  listeners: readonly Listener[],
  { limit, delay = 0, succeeded = false }: Drain,
): Promise<number> {
  const inFlight = (): number => listeners.reduce((sum, listener) => sum + listener.active, 0)
  const isConnected = (): boolean => listeners.some(({ connections }) => connections > 0)
  for (const listener of listeners) listener.closeConnectionsAfterReplies()
  if (delay > 0) await pause(delay)
  for (const listener of listeners) listener.stopAccepting()
  const start = performance.now()
  const deadline = start + limit
  const graceEnd = start + (succeeded ? limit : Math.min(limit, IDLE_GRACE))
  for (let at = start; at < deadline; at = performance.now()) {
    if (inFlight() === 0 && (at >= graceEnd || !isConnected())) break
    await pause(LOOK)
  }
  const left = inFlight()
  // One more turn, so that last bytes which the kernel has not taken yet leave before their sockets close.
  await pause(LOOK)
  for (const listener of listeners) listener.close()
  return left
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
