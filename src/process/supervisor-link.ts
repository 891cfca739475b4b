// The worker's end: takes configurations from the supervisor and answers it.
import type { ValidConfig } from '../config/load.ts'
import { StalePluginFile } from '../control/plugin-directory.ts'
import { InvalidConfiguration, type Validated } from '../control/publish.ts'
import type { Prepared, Serving } from '../control/serving.ts'
import { ConfigReader } from './config-delta.ts'
import type { FromWorker, Refused, Shipment, ToWorker } from './messages.ts'
import type { PluginShelf } from './plugin-shelf.ts'
import type { SharedPorts } from './shared-ports.ts'

export interface WorkerSide {
  readonly serving: Serving
  readonly plugins: PluginShelf
  readonly ports: SharedPorts
  reopenLogs(): void
  /** It is not ready from now on, and serves as before. */
  refuse(): void
  /** Drains, for at most `limit` ms, or as the configuration says; resolves with requests cut off. The process ends afterwards. */
  stop(limit: number | undefined, succeeded: boolean): Promise<number>
  /** The supervisor is gone, without a word. */
  orphaned(): void
}

interface Ready {
  readonly prepared: Prepared
  readonly valid: ValidConfig
}

export class SupervisorLink {
  readonly #create: (number: number) => WorkerSide
  #assigned: WorkerSide | null = null
  #valid: ValidConfig | null = null
  #reader: ConfigReader | null = null
  #ready: Ready | null = null
  #stopping = false

  /** `create` is called once, when it is known which worker this is. */
  constructor(create: (number: number) => WorkerSide) {
    this.#create = create
  }

  get #side(): WorkerSide {
    return this.#assigned!
  }

  /** From now on the supervisor can talk to this process. */
  open(): void {
    process.on('message', (message) => void this.#hear(message as ToWorker))
    process.on('disconnect', () => {
      if (this.#stopping) return
      if (this.#assigned === null) process.exit(1)
      this.#assigned.orphaned()
    })
    // While this process loaded its code nobody heard that.
    if (!process.connected) process.exit(1)
    this.#say({ type: 'hello' })
  }

  async #hear(message: ToWorker): Promise<void> {
    if (message.type === 'ping') this.#say({ type: 'pong' })
    else if (message.type === 'assign') this.#assigned = this.#create(message.number)
    else if (message.type === 'slice') this.#read(message.bytes)
    else if (message.type === 'prepare') this.#say(await this.#prepare(message.bytes, message.shipment))
    else if (message.type === 'activate') await this.#activate()
    else if (message.type === 'discard') await this.#discard()
    else if (message.type === 'reopen-logs') this.#assigned?.reopenLogs()
    else if (message.type === 'refuse') this.#assigned?.refuse()
    else await this.#stop(message.limit ?? undefined, message.succeeded)
  }

  #read(bytes: Uint8Array): void {
    this.#reader ??= new ConfigReader(this.#valid)
    this.#reader.read(bytes)
  }

  async #prepare(bytes: Uint8Array, shipment: Shipment): Promise<FromWorker> {
    const { version, why, file, pluginDirectories, ports } = shipment
    const reader = this.#reader ?? new ConfigReader(this.#valid)
    this.#reader = null
    try {
      const valid = reader.finish(bytes)
      const plugins = await this.#side.plugins.take(shipment.plugins)
      this.#side.ports.learn(ports)
      // What there is to warn of the supervisor has told.
      const told = { warnings: [], rejected: [], lint: () => Promise.resolve([]) }
      const validated: Validated = { valid, plugins, file, pluginDirectories, ...told }
      this.#ready = { valid, prepared: await this.#side.serving.prepare({ validated, version, why }) }
      return { type: 'prepared', ports: this.#side.ports.all() }
    } catch (error) {
      return refusal(error)
    }
  }

  /** A failure here ends the process: it must not go on with what no other worker serves. */
  async #activate(): Promise<void> {
    const { prepared, valid } = this.#ready!
    this.#ready = null
    await prepared.activate()
    this.#valid = valid
    this.#say({ type: 'activated' })
  }

  async #discard(): Promise<void> {
    const { prepared } = this.#ready!
    this.#ready = null
    await prepared.discard()
    this.#say({ type: 'discarded' })
  }

  async #stop(limit: number | undefined, succeeded: boolean): Promise<void> {
    if (this.#stopping) return
    this.#stopping = true
    const cut = (await this.#assigned?.stop(limit, succeeded)) ?? 0
    this.#say({ type: 'stopped', cut }, () => process.exit(0))
  }

  /** `said`: it is on its way, or nobody hears it. */
  #say(message: FromWorker, said: () => void = () => {}): void {
    if (process.connected) process.send!(message, said)
    else said()
  }
}

function refusal(error: unknown): Refused {
  const problems = error instanceof InvalidConfiguration ? error.problems : []
  const { message } = error as Error
  return { type: 'refused', problems, message, stale: error instanceof StalePluginFile }
}
