// The admin listener as the configuration wants it: opened, moved and closed together with everything else.
import type { Candidate, Prepared, Serving } from '../control/serving.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { AdminListener } from './server.ts'

/** Binds and listens. Rejects when the address cannot be had. */
export type OpenAdmin = (bind: string, token: string | null) => Promise<AdminListener>

export class AdminDoor implements Serving {
  readonly #open: OpenAdmin
  readonly #log: Logger
  #current: { readonly bind: string; readonly listener: AdminListener } | null = null
  #closed = false

  constructor(open: OpenAdmin, log: Logger) {
    this.#open = open
    this.#log = log
  }

  async prepare({ validated }: Candidate): Promise<Prepared> {
    const { bind, token = null } = validated.valid.config.admin ?? {}
    const before = this.#current
    let next = bind === before?.bind ? before : null
    if (bind !== undefined && next === null) next = { bind, listener: await this.#open(bind, token) }
    const discard = async (): Promise<void> => {
      if (next !== before) next?.listener.close()
    }
    // Who closes knows nothing of what is opened meanwhile.
    if (this.#closed) {
      await discard()
      throw new Error('the gateway stops')
    }
    return {
      discard,
      activate: async () => {
        next?.listener.useToken(token)
        if (next === before) return
        this.#current = next
        before?.listener.close()
        if (next === null) return
        const { name, address, port } = next.listener
        this.#log.info({ listener: name, address, port }, 'listening')
      },
    }
  }

  /** Of the listener that is open; null when there is none. */
  get address(): string | null {
    return this.#current?.listener.address ?? null
  }

  /** Accepts no more; what is asked already is answered until `close`. */
  leave(): void {
    this.#closed = true
    this.#current?.listener.stopAccepting()
  }

  close(): void {
    this.#closed = true
    this.#current?.listener.close()
  }
}
