// A generation in a process of its own: how it hears the first process, and reports to it.
import type { Generation, Mark, Order, Report } from './generation.ts'
import { Inheritance } from './inheritance.ts'

export interface LinkEvents {
  /** To be ended: in peace, by an order or because the first process is gone. */
  stop(why: string, succeeded: boolean): void
}

export class KeeperLink {
  readonly inheritance: Inheritance
  #generation: Generation | null = null

  constructor(mark: Mark, events: LinkEvents) {
    this.inheritance = new Inheritance(new Map(mark.addresses), mark.shared)
    process.on('message', (message) => this.#obey(message as Order, events))
    // Nobody would start the next generation, or tell this one to stop.
    const orphaned = (): void => events.stop('the first process is gone', false)
    process.on('disconnect', orphaned)
    if (!process.connected) orphaned()
  }

  started(generation: Generation): void {
    this.#generation = generation
    void this.#report({ report: 'started', addresses: [...generation.addresses] })
  }

  /** Resolves when it is told. */
  failed(reason: string): Promise<void> {
    return this.#report({ report: 'failed', reason })
  }

  /** It is the first process that restarts. */
  restart(): void {
    void this.#report({ report: 'restart' })
  }

  #obey(message: Order, events: LinkEvents): void {
    const generation = this.#generation
    if (message.order === 'stop') events.stop('order', message.succeeded)
    else if (message.order === 'reload') void generation?.reload()
    else if (message.order === 'reopen-logs') generation?.reopenLogs()
    else if (message.order === 'complete') this.inheritance.complete()
    else if (message.order === 'ping') {
      const { ready = false, addresses = [] } = generation ?? {}
      void this.#report({ report: 'alive', id: message.id, ready, addresses: [...addresses] })
    }
  }

  #report(report: Report): Promise<void> {
    return new Promise((resolve) => {
      if (process.connected) process.send!(report, undefined, undefined, () => resolve())
      else resolve()
    })
  }
}
