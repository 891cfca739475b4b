// Where the listeners of a worker listen. Where the configuration says port 0 the first worker chooses, and the others take
// the same.
import type { ListenerConfig } from '../config/schema.ts'
import type { RequestListener } from '../contract/listener.ts'
import type { Place } from './inheritance.ts'
import type { Ports } from './messages.ts'

export class SharedPorts {
  /** Real ports by name of the listener, as far as they are known. */
  readonly #ports = new Map<string, number>()

  /** Tells what others have found out. */
  learn(ports: Ports): void {
    for (const [name, port] of Object.entries(ports)) this.#ports.set(name, port)
  }

  placeOf({ name, bind }: ListenerConfig): Place {
    const port = this.#ports.get(name)
    return { bind: port === undefined ? bind : bind.replace(/:0$/, `:${port}`), shared: true }
  }

  opened({ name, port }: RequestListener): void {
    this.#ports.set(name, port)
  }

  all(): Ports {
    return Object.fromEntries(this.#ports)
  }
}
