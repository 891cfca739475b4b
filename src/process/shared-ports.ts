// Ports of listeners that several processes share. Where the configuration says 0 the first process chooses, and the others
// take the same.
import { createServer, type AddressInfo, type Server } from 'node:net'
import type { ListenerConfig } from '../config/schema.ts'
import { parseBind, type RequestListener } from '../contract/listener.ts'
import type { Ports } from './messages.ts'

export class SharedPorts {
  /** Real ports by name of the listener, as far as they are known. */
  readonly #ports = new Map<string, number>()

  /** Tells what others have found out. */
  learn(ports: Ports): void {
    for (const [name, port] of Object.entries(ports)) this.#ports.set(name, port)
  }

  /** Calls `listen` with an address that others can have too. Rejects as it does. */
  async open(config: ListenerConfig, listen: (bind: string) => Promise<RequestListener>): Promise<RequestListener> {
    const { name, bind } = config
    if (!bind.endsWith(':0')) return listen(bind)
    // uWS does not share a port that the system has chosen: it is chosen before, and held until uWS has it.
    const known = this.#ports.get(name)
    const holder = known === undefined ? await holdPort(bind) : null
    try {
      const port = known ?? (holder!.address() as AddressInfo).port
      const listener = await listen(bind.replace(/:0$/, `:${port}`))
      this.#ports.set(name, port)
      return listener
    } finally {
      holder?.close()
    }
  }

  /** By name, those that were chosen. */
  all(): Ports {
    return Object.fromEntries(this.#ports)
  }
}

function holdPort(bind: string): Promise<Server> {
  const server = createServer()
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(new Error(`cannot listen on ${bind}: ${error.message}`)))
    server.listen({ ...parseBind(bind), reusePort: true }, () => resolve(server))
  })
}
