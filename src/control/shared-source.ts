// The store that the configuration file names: opened, followed, and replaced when a file serves that names another.
import { dirname } from 'node:path'
import type { ControlConfig, EtcdSettings } from '../config/control-schema.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { StoredConfig } from './commit-log.ts'
import { EtcdStore, type StoreStart } from './etcd-store.ts'
import { stateDirectory } from './state-directory.ts'

/** A store that a file names. */
export interface NamedStore {
  readonly settings: string
  readonly store: EtcdStore
  readonly started: StoreStart
  /** What is committed there, or was when it was last heard of. */
  latest: StoredConfig
}

export class SharedSource {
  readonly #file: string
  readonly #log: Logger
  readonly #committed: () => void
  /** What serves comes from there. */
  #followed: NamedStore | null = null
  /** A file names it that does not serve, or not yet: what serves follows its own meanwhile. */
  #next: NamedStore | null = null
  #closed = false

  /** `committed`: a store has told a newer state. */
  constructor(file: string, log: Logger, committed: () => void) {
    this.#file = file
    this.#log = log
    this.#committed = committed
  }

  /** null: what serves comes from the file alone. */
  get followed(): NamedStore | null {
    return this.#followed
  }

  /** The store that a file names, null for none. Rejects with StartProblem. What serves is followed on, until `settle`. */
  async named(control: ControlConfig): Promise<NamedStore | null> {
    const directory = stateDirectory(control, dirname(this.#file), process.env)
    const settings = JSON.stringify([control.etcd ?? null, directory])
    for (const known of [this.#followed, this.#next]) if (known?.settings === settings) return known
    const before = this.#next
    this.#next = null
    await before?.store.close()
    if (control.etcd === undefined) return null
    this.#next = await this.#start(settings, control.etcd, directory)
    return this.#next
  }

  /** What serves now comes from this store: any other is left. */
  async settle(named: NamedStore | null): Promise<void> {
    const left = [this.#followed, this.#next].filter((each) => each !== null && each !== named)
    this.#followed = named
    this.#next = null
    await Promise.all(left.map((each) => each!.store.close()))
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([this.#followed?.store.close(), this.#next?.store.close()])
  }

  async #start(settings: string, etcd: EtcdSettings, directory: string | null): Promise<NamedStore> {
    let named: NamedStore | null = null
    let early: StoredConfig | null = null
    const store = new EtcdStore(
      { settings: etcd, base: dirname(this.#file), directory },
      {
        committed: (config) => {
          if (named === null) {
            early = config
            return
          }
          named.latest = config
          this.#committed()
        },
        away: (error) => this.#log.error({ err: error }, 'etcd is away; the last good configuration serves'),
        back: () => this.#log.info({}, 'etcd is back'),
        pending: (keys) => this.#tellPending(keys),
        warned: (message) => this.#log.warn({}, message),
      },
    )
    const started = await store.start()
    if (this.#closed) {
      await store.close()
      throw new Error('the gateway stops')
    }
    named = { settings, store, started, latest: early ?? started.config }
    const { commit } = started.config
    if (started.from === 'copy')
      this.#log.error({ version: commit.version, err: started.problem }, 'etcd is away: starting from the local copy')
    return named
  }

  #tellPending(keys: readonly string[]): void {
    if (keys.length === 0) return
    const shown = { keys: keys.slice(0, MOST_SHOWN), count: keys.length }
    this.#log.warn(shown, 'changes in etcd are not committed and do not serve; put PREFIX/commit to make them')
  }
}

const MOST_SHOWN = 20
