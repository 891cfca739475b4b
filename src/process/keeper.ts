// The first process, whose id others know: a service manager, a container, a file. It serves as the first generation. After a
// restart it stays as the parent of the generation that serves: passes signals on, starts the next one, ends with it.
import { growingDelay } from '../base/growing-delay.ts'
import { parseBind } from '../contract/listener.ts'
import { restoreBefore } from '../listeners/address-claim.ts'
import type { Logger } from '../telemetry/logger.ts'
import { ChildGeneration, type Ending } from './child-generation.ts'
import type { Generation, Mark } from './generation.ts'
import type { NamedAddresses } from './inheritance.ts'
import { describeMigration, migrateQueues } from './kernel-settings.ts'
import { nextCommandLine } from './launch.ts'

/** ms before a generation that has ended by itself is started again: the first time, and at most. */
const FIRST_DELAY = 100
const MOST_DELAY = 10_000
/** ms after which one that has served is believed to be sound. */
const SOUND = 60_000

export interface KeeperOptions {
  readonly log: Logger
  /** ms that a generation may take until it is healthy. */
  readonly startLimit: number
  /** The generation that serves has ended by itself and for good: this process is to end with this code. */
  readonly ended: (code: number) => void
}

export class Keeper {
  readonly #options: KeeperOptions
  readonly #log: Logger
  #number = 1
  /** null while there is none: it has ended, and the next one is about to start. */
  #serving: Generation | null
  #addresses: NamedAddresses
  /** It starts, and does not serve alone yet. */
  #starting: ChildGeneration | null = null
  readonly #leaving = new Map<Generation, Promise<void>>()
  #isRestarting = false
  #isStopping = false
  /** What was said last about the settings of the kernel: once is enough. */
  #told = ''
  #failures = 0
  #servingSince = 0

  constructor(first: Generation, options: KeeperOptions) {
    this.#serving = first
    this.#addresses = first.addresses
    this.#options = options
    this.#log = options.log
  }

  reload(): void {
    void this.#serving?.reload()
  }

  reopenLogs(): void {
    for (const generation of [this.#serving, this.#starting, ...this.#leaving.keys()]) generation?.reopenLogs()
  }

  /** Starts the next generation and lets it serve. If it does not become healthy nothing has changed. Never rejects. */
  async restart(): Promise<void> {
    if (this.#isRestarting || this.#isStopping || this.#serving === null) {
      this.#log.warn({}, 'restart refused: a generation is starting or ending just now')
      return
    }
    this.#isRestarting = true
    const before = this.#serving
    const migration = describeMigration(await migrateQueues())
    if (migration !== null && migration.message !== this.#told) this.#log[migration.level]({}, migration.message)
    this.#told = migration?.message ?? this.#told
    const next = await this.#start(true)
    this.#isRestarting = false
    if (next !== null) this.#leave(before, next)
    else if (this.#serving === null) void this.#revive()
  }

  /** Resolves when all generations have ended, with the requests that this process has cut off. */
  async stop(): Promise<number> {
    this.#isStopping = true
    const [cut = 0] = await Promise.all([this.#serving?.stop(), this.#starting?.dismiss(), ...this.#leaving.values()])
    return cut
  }

  /** At once. */
  abort(): void {
    for (const generation of [this.#serving, this.#starting, ...this.#leaving.keys()])
      if (generation instanceof ChildGeneration) generation.abort()
  }

  /** null when it did not become healthy. */
  async #start(shared: boolean): Promise<ChildGeneration | null> {
    if (this.#isStopping) return null
    this.#addresses = this.#serving?.addresses ?? this.#addresses
    const mark: Mark = { number: ++this.#number, shared, addresses: [...this.#addresses] }
    const since = performance.now()
    const next = new ChildGeneration(nextCommandLine(), mark)
    const { number: generation, pid } = next
    this.#log.info({ generation, pid }, 'restart: the next generation starts')
    this.#starting = next
    try {
      await next.becomeHealthy(this.#options.startLimit)
      if (this.#isStopping) throw new Error('the gateway stops')
    } catch (error) {
      const reason = (error as Error).message
      const outcome = shared
        ? 'restart failed; nothing has changed'
        : 'a generation could not be started; it is tried again'
      await next.dismiss()
      // One that was killed has given nothing back.
      if (shared) for (const { path } of this.#sockets()) restoreBefore(path)
      if (!this.#isStopping) this.#log.error({ generation, pid, reason }, outcome)
      return null
    } finally {
      this.#starting = null
    }
    this.#serving = next
    this.#servingSince = performance.now()
    next.onRestart = () => void this.restart()
    void next.ended.then((ending) => this.#ended(next, ending))
    const ms = Math.round(performance.now() - since)
    this.#log.info({ generation, pid, ms }, 'restart: the next generation serves')
    return next
  }

  /** Unix sockets of the generation that serves. */
  #sockets(): { readonly path: string }[] {
    return [...this.#addresses.values()].map(parseBind).filter((address) => 'path' in address)
  }

  #leave(before: Generation, next: ChildGeneration): void {
    const left = before.stop(undefined, true).then(
      (cut) => this.#log.info({ cut }, 'restart: the generation before has left'),
      // What it could not close any more is its own matter: the next one serves.
      (error: unknown) => this.#log.error({ err: error }, 'restart: the generation before has not ended as it should'),
    )
    const over = left.then(() => {
      this.#leaving.delete(before)
      next.complete()
    })
    this.#leaving.set(before, over)
  }

  #ended(generation: ChildGeneration, { code, reason }: Ending): void {
    if (generation !== this.#serving) return
    this.#serving = null
    if (this.#isStopping) return
    // Somebody has told it to stop.
    if (code === 0) {
      this.#isStopping = true
      void Promise.all([this.#starting?.dismiss(), ...this.#leaving.values()]).then(() => this.#options.ended(code))
      return
    }
    this.#log.error(
      { generation: generation.number, pid: generation.pid, reason },
      'the generation that served has ended',
    )
    if (performance.now() - this.#servingSince > SOUND) this.#failures = 0
    // A restart that is under way brings the next one, or says that it does not.
    if (!this.#isRestarting) void this.#revive()
  }

  async #revive(): Promise<void> {
    while (this.#serving === null && !this.#isStopping) {
      await new Promise((resolve) => setTimeout(resolve, growingDelay(++this.#failures, FIRST_DELAY, MOST_DELAY)))
      await this.#start(false)
    }
  }
}
