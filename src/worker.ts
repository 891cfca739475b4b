// One of several processes that share the listeners. It serves what the supervisor ships, follows the supervisor alone, and
// ends with it. Started by the supervisor: `worker.ts ADMIN_SOCKET FILE`.
import { rmdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { startWorkerAdmin, type AdminListener } from './admin/server.ts'
import type { Plugin } from './contract/plugin.ts'
import { Reloads } from './control/reloads.ts'
import { together, type Prepared, type Serving } from './control/serving.ts'
import { DataPlane } from './data-plane.ts'
import { builtInPlugins } from './live-state.ts'
import { PluginShelf } from './process/plugin-shelf.ts'
import { SharedPorts } from './process/shared-ports.ts'
import { SupervisorLink, type WorkerSide } from './process/supervisor-link.ts'
import { readThreshold } from './telemetry/logger.ts'
import { Logs } from './telemetry/logs.ts'
import { Metrics } from './telemetry/metrics.ts'

/** A terminal sends them to the whole group: what becomes of a worker is for the supervisor to say. */
const NOT_FOR_WORKERS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2']

const [, , adminSocket = '', file = ''] = process.argv

/** The admin API of this worker, for the supervisor: from the first configuration on. */
class PrivateAdmin implements Serving {
  readonly #plane: DataPlane
  #listener: AdminListener | null = null

  constructor(plane: DataPlane) {
    this.#plane = plane
  }

  async prepare(): Promise<Prepared> {
    if (this.#listener === null) {
      this.#plane.scrapes.prepare()
      this.#listener = await startWorkerAdmin(adminSocket, this.#plane)
    }
    return { activate: () => Promise.resolve(), discard: () => Promise.resolve() }
  }

  close(): void {
    this.#listener?.close()
  }
}

/** Everything that this worker has, from the moment on when it is one. */
function createWorker(number: number, plugins: PluginShelf): WorkerSide {
  const logs = new Logs(readThreshold(process.env['LOG_LEVEL']), { shared: true, fields: { worker: number } })
  process.once('exit', () => logs.writeNow())
  const metrics = new Metrics()
  const ports = new SharedPorts()
  const reloads = new Reloads(metrics, () => (plane.ready ? plane.snapshot.version : undefined))
  const fileOf = (plugin: Plugin): string | null => plugins.fileOf(plugin)
  const plane: DataPlane = new DataPlane({ logs, metrics, reloads, file, ports, fileOf })
  const admin = new PrivateAdmin(plane)
  const stop = async (limit?: number, succeeded = false): Promise<number> => {
    const cut = await plane.drain(limit, succeeded)
    admin.close()
    await plane.close()
    await logs.close()
    return cut
  }
  return {
    serving: together(plane, counted(reloads), admin),
    plugins,
    ports,
    stop,
    refuse: () => plane.refuse(),
    reopenLogs: () => logs.reopen(),
    orphaned() {
      logs.log.error({}, 'the supervisor is gone; the worker drains and ends')
      void stop().then(() => process.exit(1))
    },
  }
}

/** What the supervisor has activated is applied; what a worker refuses the supervisor counts. */
function counted(reloads: Reloads): Serving {
  let first = true
  const activate = (): Promise<void> => {
    if (first) reloads.start()
    else reloads.apply()
    first = false
    return Promise.resolve()
  }
  return { prepare: () => Promise.resolve({ activate, discard: () => Promise.resolve() }) }
}

// The directory of the sockets is for the supervisor to remove. If that is gone, the last worker does so.
process.once('exit', () => {
  if (process.connected) return
  try {
    rmdirSync(dirname(adminSocket))
  } catch {
    // Others have their sockets in it still.
  }
})
for (const signal of NOT_FOR_WORKERS) process.on(signal, () => {})
const plugins = new PluginShelf(await builtInPlugins())
new SupervisorLink((number) => createWorker(number, plugins)).open()
