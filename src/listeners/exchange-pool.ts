// Exchanges of one listener, reused. The pool is bounded: after a burst the surplus goes to the garbage collector.
import type { Exchange } from '../contract/exchange.ts'
import type { ListenerContext } from '../contract/road.ts'
import type { ListenerOptions } from '../contract/listener.ts'

const MOST_POOLED = 4096

export class ExchangePool implements ListenerContext {
  readonly name: string
  readonly scheme: 'http' | 'https' = 'http'
  readonly canonicalPath: (raw: string) => string
  // Odd chunk sizes and bytes after the last chunk pass through uWS unseen (docs/security.md).
  readonly lenientChunks = true
  draining = false
  active = 0
  readonly #free: Exchange[] = []
  readonly #make: () => Exchange

  constructor(options: ListenerOptions, make: (context: ListenerContext) => Exchange) {
    this.name = options.name
    this.canonicalPath = options.canonicalPath
    this.#make = () => make(this)
  }

  /** Exchanges that wait for a request. */
  get free(): number {
    return this.#free.length
  }

  take(): Exchange {
    return this.#free.pop() ?? this.#make()
  }

  recycle(x: Exchange): void {
    x.reset()
    if (this.#free.length < MOST_POOLED) this.#free.push(x)
  }
}
