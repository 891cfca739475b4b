// A gateway in one process: both planes, wired together.
import { resolve } from 'node:path'
import { AdminDoor } from './admin/admin-door.ts'
import { startAdmin } from './admin/server.ts'
import type { Plugin } from './contract/plugin.ts'
import { ControlPlane } from './control/control-plane.ts'
import type { Addresses } from './control/membership.ts'
import { Reloads } from './control/reloads.ts'
import { together } from './control/serving.ts'
import { DataPlane } from './data-plane.ts'
import { builtInPlugins } from './live-state.ts'
import type { Logs } from './telemetry/logs.ts'
import { Metrics } from './telemetry/metrics.ts'

export class Gateway {
  readonly plane: DataPlane
  readonly #door: AdminDoor
  readonly #control: ControlPlane

  private constructor(file: string, builtIn: readonly Plugin[], logs: Logs) {
    const { log } = logs
    const metrics = new Metrics()
    const reloads = new Reloads(metrics, () => this.#control.version || undefined)
    const fileOf = (plugin: Plugin): string | null => this.#control.fileOf(plugin)
    const plane = new DataPlane({ logs, metrics, reloads, file, fileOf })
    this.plane = plane
    this.#door = new AdminDoor((bind, token) => {
      plane.scrapes.prepare()
      return startAdmin(bind, token, plane)
    }, log)
    const addresses = (): Addresses => ({
      admin: this.#door.address,
      listeners: plane.listeners.map(({ address }) => address),
    })
    this.#control = new ControlPlane({ file, builtIn, log, reloads, serving: together(plane, this.#door), addresses })
  }

  /** Reads, compiles and listens. Rejects with InvalidConfiguration, or with the error of a file or an address. */
  static async start(file: string, logs: Logs): Promise<Gateway> {
    const gateway = new Gateway(resolve(file), await builtInPlugins(), logs)
    try {
      await gateway.#control.start()
    } catch (error) {
      await gateway.stop(0)
      throw error
    }
    const { version, routes } = gateway.plane.snapshot
    logs.log.info({ version, routes: routes.length }, 'ready')
    return gateway
  }

  /** Reads the configuration again now, as SIGHUP asks. */
  reload(): Promise<void> {
    return this.#control.reload()
  }

  /** Stops accepting, lets requests finish for at most `limit` ms, closes everything. Resolves with requests cut off. */
  async stop(limit?: number): Promise<number> {
    this.plane.refuse()
    await this.#control.withdraw()
    const closed = this.#control.close()
    const left = await this.plane.drain(limit)
    this.#door.close()
    await Promise.all([this.plane.close(), closed])
    return left
  }
}
