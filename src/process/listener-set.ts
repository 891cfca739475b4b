// The listeners of a gateway: a new configuration opens what is new before it closes what is gone.
import type { ListenerConfig } from '../config/schema.ts'
import type { RequestListener } from '../contract/listener.ts'
import { drain, type Drain } from './drain.ts'

/** ms for clients that a listener took before it turned out that it may not stay, as beside the generation before. */
const UNDO_LIMIT = 5_000
/** ms for clients that wait at a unix socket whose name another listener has now: its close would reset them. */
const QUEUE_TIME = 50

export type OpenListener = (config: ListenerConfig) => Promise<RequestListener>

/** New listeners that are open beside those that serve. */
export interface ListenerChange {
  readonly opened: readonly RequestListener[]
  /** They stay; what the configuration does not have any more finishes its requests, for at most `limit` ms. */
  keep(limit: number): void
  /** They are closed, and nothing has changed. */
  undo(): void
}

export class ListenerSet {
  readonly #open: OpenListener
  readonly #listeners = new Map<string, RequestListener>()
  /** They finish their requests, and take no more. */
  readonly #leaving = new Set<RequestListener>()

  constructor(open: OpenListener) {
    this.#open = open
  }

  get all(): RequestListener[] {
    return [...this.#listeners.values()]
  }

  /** Rejects, with nothing changed, when an address cannot be had. */
  async change(configs: readonly ListenerConfig[]): Promise<ListenerChange> {
    const wanted = new Map(configs.map((config) => [keyOf(config), config]))
    const opened = new Map<string, RequestListener>()
    const undo = (): void => {
      for (const listener of opened.values()) this.#leave(listener, UNDO_LIMIT)
    }
    try {
      for (const [key, config] of wanted) if (!this.#listeners.has(key)) opened.set(key, await this.#open(config))
    } catch (error) {
      undo()
      throw error
    }
    return {
      opened: [...opened.values()],
      undo,
      keep: (limit) => {
        for (const [key, listener] of opened) this.#listeners.set(key, listener)
        for (const [key, listener] of this.#listeners) {
          if (wanted.has(key)) continue
          this.#listeners.delete(key)
          this.#leave(listener, limit)
        }
      },
    }
  }

  #leave(listener: RequestListener, limit: number): void {
    this.#leaving.add(listener)
    void drain([listener], { limit, delay: QUEUE_TIME }).then(() => this.#leaving.delete(listener))
  }

  /** Closes all of them, once their requests are over, also those that leave. Resolves with requests cut off. */
  drain(how: Drain): Promise<number> {
    return drain([...this.all, ...this.#leaving], how)
  }
}

/** Everything that decides whether a running listener can stay as it is. */
function keyOf(config: ListenerConfig): string {
  return JSON.stringify([config.name, config.bind, config.engine ?? 'uws', config.canonicalPath ?? {}])
}
