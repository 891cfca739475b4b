// A gateway of several processes: this one decides what serves and sees to the others; they take the requests.
import { rmSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { AdminDoor } from './admin/admin-door.ts'
import { controlApi, type ControlApi } from './admin/control-api.ts'
import type { FleetAdmin, WorkerAdmin } from './admin/merged/fleet.ts'
import { MergedAdmin } from './admin/merged/server.ts'
import type { ConfigurationStats } from './admin/stats-report.ts'
import { logSettings } from './compile/log-settings.ts'
import { isRecord, parseDocument } from './config/document.ts'
import type { ListenerConfig } from './config/schema.ts'
import type { Plugin } from './contract/plugin.ts'
import { ControlPlane } from './control/control-plane.ts'
import type { OwnAddresses } from './control/membership.ts'
import { Reloads } from './control/reloads.ts'
import { together, type Serving } from './control/serving.ts'
import { builtInPlugins } from './live-state.ts'
import { AddressCheck } from './process/address-check.ts'
import { Fleet } from './process/fleet.ts'
import type { Generation } from './process/generation.ts'
import { Inheritance, type NamedAddresses } from './process/inheritance.ts'
import { describeMigration, migrateQueues } from './process/kernel-settings.ts'
import type { Ports } from './process/messages.ts'
import { WorkerProcess } from './process/worker-process.ts'
import type { Logger } from './telemetry/logger.ts'
import type { Logs } from './telemetry/logs.ts'
import { Metrics } from './telemetry/metrics.ts'

const WORKER = new URL('worker.ts', import.meta.url).pathname

function inheritedPorts(inheritance: Inheritance, listeners: readonly ListenerConfig[]): Ports {
  const ports = listeners.map(({ name, bind }): [string, number] => {
    const place = inheritance.placeOf(`listener ${name}`, bind)
    return [name, Number(/:(\d+)$/.exec(place.bind)?.[1] ?? 0)]
  })
  return Object.fromEntries(ports.filter(([, port]) => port !== 0))
}

function processes(workers: unknown = 1): number {
  if (workers === 'auto') return availableParallelism()
  return typeof workers === 'number' && Number.isInteger(workers) && workers >= 1 && workers <= 64 ? workers : 1
}

/** How many processes a configuration file asks for. 1 when it cannot be told: whoever reads the file in earnest says why. */
export async function workersOf(file: string): Promise<number> {
  const text = await readFile(file, 'utf8').catch(() => '')
  // Large files are not parsed twice for nothing.
  if (!/\bworkers\b/.test(text)) return 1
  const { value } = parseDocument(text, file, process.env)
  return processes(isRecord(value) ? value['workers'] : 1)
}

interface Parts {
  readonly builtIn: readonly Plugin[]
  readonly logs: Logs
  readonly inheritance: Inheritance
}

export class Supervisor implements Generation, FleetAdmin {
  readonly log: Logger
  readonly metrics = new Metrics()
  readonly fleet: Fleet
  readonly #logs: Logs
  readonly #reloads: Reloads
  readonly #door: AdminDoor
  readonly #control: ControlPlane
  /** null before the first configuration serves. */
  control: ControlApi | null = null
  #isStopping = false
  /** Sockets of the workers' admin APIs: nobody else may come near them. */
  readonly #sockets: string

  private constructor(file: string, count: number, sockets: string, { builtIn, logs, inheritance }: Parts) {
    const { log } = logs
    this.log = log
    this.#logs = logs
    this.#sockets = sockets
    const reloads = new Reloads(this.metrics, () => this.#control.version || undefined)
    this.#reloads = reloads
    const admin = new MergedAdmin<FleetAdmin>(this)
    this.#door = new AdminDoor((bind, token) => admin.start({ ...inheritance.placeOf('admin', bind), token }), log)
    let launches = 0
    this.fleet = new Fleet({
      count,
      log,
      metrics: this.metrics,
      inherited: (listeners) => inheritedPorts(inheritance, listeners),
      stale: () => void this.#control.reload(),
      launch: () => {
        const socket = join(sockets, `${++launches}.sock`)
        return new WorkerProcess({ entry: WORKER, argv: [socket, file], env: {}, admin: socket })
      },
    })
    const isOurs = (name: string, bind: string): boolean => inheritance.placeOf(`listener ${name}`, bind).shared
    const serving = together(new AddressCheck(isOurs), this.fleet, this.#observed(), this.#door)
    const addresses = (): OwnAddresses => ({
      admin: this.#door.address,
      listeners: this.fleet.addresses.map(([, address]) => address),
    })
    this.#control = new ControlPlane({ file, builtIn, log, reloads, serving, addresses })
  }

  /** Rejects with InvalidConfiguration, or with the error of a file or an address. */
  static async start(path: string, count: number, logs: Logs, inheritance = new Inheritance()): Promise<Supervisor> {
    const file = resolve(path)
    // They become non-blocking for all who share them. A worker that found them otherwise would make them blocking at its end.
    void [process.stdout, process.stderr]
    // Also for a worker that is killed: who waits at it is not lost with it.
    const migration = describeMigration(await migrateQueues())
    if (migration !== null) logs.log[migration.level]({}, migration.message)
    const sockets = await mkdtemp(join(tmpdir(), 'sluice-'))
    // Whoever is told to end at once, or before it serves, comes no further than this.
    process.once('exit', () => rmSync(sockets, { recursive: true, force: true }))
    const builtIn = await builtInPlugins()
    const supervisor = new Supervisor(file, count, sockets, { builtIn, logs, inheritance })
    try {
      await supervisor.#control.start()
    } catch (error) {
      // What it has accepted beside the generation before must not be cut off.
      await (inheritance.isShared ? supervisor.stop(undefined, true) : supervisor.stop(0))
      throw error
    }
    supervisor.control = controlApi(supervisor.#control)
    const { version } = supervisor.#control
    logs.log.info({ version, workers: count }, 'ready')
    return supervisor
  }

  /** Reads the configuration again now, as SIGHUP asks. */
  reload(): Promise<void> {
    return this.#control.reload()
  }

  reopenLogs(): void {
    this.#logs.reopen()
    this.fleet.reopenLogs()
  }

  /** All workers stop accepting and let requests finish for at most `limit` ms, or as the configuration says. Resolves with requests cut off. */
  async stop(limit?: number, succeeded = false): Promise<number> {
    // Whoever is asked a second time to end ends at once, and so do the workers.
    process.once('exit', () => this.fleet.abort())
    this.#isStopping = true
    this.fleet.refuse()
    // The next generation is ready, and must not be taken for this one while etcd is slow.
    if (succeeded) this.#door.leave()
    this.#control.refuse()
    await this.#control.withdraw()
    const closed = this.#control.close()
    const cut = await this.fleet.stop(limit ?? null, succeeded)
    this.#door.close()
    await closed
    await rm(this.#sockets, { recursive: true, force: true })
    return cut
  }

  get ready(): boolean {
    return !this.#isStopping && this.fleet.workers.some(({ state }) => state === 'ready')
  }

  workers(): readonly WorkerAdmin[] {
    return this.fleet.workers.map(({ admin, ...worker }) => ({ ...worker, socket: admin }))
  }

  get configuration(): ConfigurationStats {
    const { since, applied, rejected, lastError } = this.#reloads
    return { version: this.#control.version, since, applied, rejected, lastError }
  }

  /** For the next generation. */
  get addresses(): NamedAddresses {
    const addresses = new Map(this.fleet.addresses.map(([name, address]) => [`listener ${name}`, address]))
    return this.#door.address === null ? addresses : addresses.set('admin', this.#door.address)
  }

  /** What the configuration says of this process itself. */
  #observed(): Serving {
    return {
      prepare: ({ validated }) => {
        const { config } = validated.valid
        if (this.fleet.serves === null) this.#logs.apply(logSettings(config))
        const activate = async (): Promise<void> => {
          this.#logs.apply(logSettings(config))
          const asked = processes(config.workers)
          const { length } = this.fleet.workers
          if (asked !== length)
            this.#logs.log.warn({ workers: length, asked }, 'the number of workers changes at the next start')
        }
        return Promise.resolve({ activate, discard: () => Promise.resolve() })
      },
    }
  }
}
