// A gateway in one process: both planes, wired together.
import { resolve } from 'node:path'
import { controlApi } from './admin/control-api.ts'
import { AdminDoor } from './admin/admin-door.ts'
import { startAdmin } from './admin/server.ts'
import type { Plugin } from './contract/plugin.ts'
import { ControlPlane } from './control/control-plane.ts'
import type { OwnAddresses } from './control/membership.ts'
import { Reloads } from './control/reloads.ts'
import { together } from './control/serving.ts'
import { DataPlane } from './data-plane.ts'
import { builtInPlugins } from './live-state.ts'
import type { Generation } from './process/generation.ts'
import { Inheritance, type NamedAddresses } from './process/inheritance.ts'
import type { Logs } from './telemetry/logs.ts'
import { Metrics } from './telemetry/metrics.ts'

export class Gateway implements Generation {
  readonly plane: DataPlane
  readonly #logs: Logs
  readonly #door: AdminDoor
  readonly #control: ControlPlane

  private constructor(file: string, builtIn: readonly Plugin[], logs: Logs, inheritance: Inheritance) {
    const { log } = logs
    this.#logs = logs
    const metrics = new Metrics()
    const reloads = new Reloads(metrics, () => this.#control.version || undefined)
    const fileOf = (plugin: Plugin): string | null => this.#control.fileOf(plugin)
    const plane = new DataPlane({ logs, metrics, reloads, file, fileOf, inheritance })
    this.plane = plane
    this.#door = new AdminDoor((bind, token) => {
      plane.scrapes.prepare()
      return startAdmin({ ...inheritance.placeOf('admin', bind), token }, plane)
    }, log)
    const addresses = (): OwnAddresses => ({
      admin: this.#door.address,
      listeners: plane.listeners.map(({ address }) => address),
    })
    this.#control = new ControlPlane({ file, builtIn, log, reloads, serving: together(plane, this.#door), addresses })
  }

  /** Reads, compiles and listens. Rejects with InvalidConfiguration, or with the error of a file or an address. */
  static async start(file: string, logs: Logs, inheritance = new Inheritance()): Promise<Gateway> {
    const gateway = new Gateway(resolve(file), await builtInPlugins(), logs, inheritance)
    try {
      await gateway.#control.start()
    } catch (error) {
      // What it has accepted beside the generation before must not be cut off.
      await (inheritance.isShared ? gateway.stop(undefined, true) : gateway.stop(0))
      throw error
    }
    gateway.plane.control = controlApi(gateway.#control)
    const { version, routes } = gateway.plane.snapshot
    logs.log.info({ version, routes: routes.length }, 'ready')
    return gateway
  }

  /** Reads the configuration again now, as SIGHUP asks. */
  reload(): Promise<void> {
    return this.#control.reload()
  }

  reopenLogs(): void {
    this.#logs.reopen()
  }

  get ready(): boolean {
    return this.plane.ready
  }

  /** For the next generation. */
  get addresses(): NamedAddresses {
    const addresses = new Map(this.plane.listeners.map(({ name, address }) => [`listener ${name}`, address]))
    return this.#door.address === null ? addresses : addresses.set('admin', this.#door.address)
  }

  /**
   * Stops accepting, lets requests finish for at most `limit` ms, closes everything. `succeeded`: another generation has
   * the addresses. Resolves with requests cut off.
   */
  async stop(limit?: number, succeeded = false): Promise<number> {
    this.plane.refuse()
    // The next generation is ready, and must not be taken for this one while etcd is slow.
    if (succeeded) this.#door.leave()
    this.#control.refuse()
    await this.#control.withdraw()
    const closed = this.#control.close()
    const left = await this.plane.drain(limit, succeeded)
    this.#door.close()
    await Promise.all([this.plane.close(), closed])
    return left
  }
}
