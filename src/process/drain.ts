// The end of a gateway, in the order that loses nothing: readiness off, listeners closed, requests finished, pools closed.
import { performance } from 'node:perf_hooks'
import type { Listener } from '../contract/listener.ts'

/** ms between looks at what is still in flight. */
const LOOK = 20

/** Waits until nothing is in flight, at most `limit` ms. Returns how many requests were still there. */
export async function drain(listeners: readonly Listener[], limit: number): Promise<number> {
  const inFlight = (): number => listeners.reduce((sum, listener) => sum + listener.active, 0)
  for (const listener of listeners) listener.stopAccepting()
  const deadline = performance.now() + limit
  while (inFlight() > 0 && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, LOOK))
  }
  const left = inFlight()
  // One more turn, so that last bytes which the kernel has not taken yet leave before their sockets close.
  await new Promise((resolve) => setTimeout(resolve, LOOK))
  for (const listener of listeners) listener.close()
  return left
}
