// The store that the configuration file names: opened, followed, and replaced when the file names another.
import { dirname } from 'node:path'
import type { ControlConfig } from '../config/control-schema.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { StoredConfig } from './commit-log.ts'
import { EtcdStore, type StoreStart } from './etcd-store.ts'
import { stateDirectory } from './state-directory.ts'

/** One store, and what it has told last. */
interface Followed {
  readonly settings: string
  readonly store: EtcdStore
  latest: StoredConfig | null
}

export class SharedSource {
  readonly #file: string
  readonly #log: Logger
  readonly #committed: () => void
  #followed: Followed | null = null

  /** `committed`: there is a newer state in `latest`. */
  constructor(file: string, log: Logger, committed: () => void) {
    this.#file = file
    this.#log = log
    this.#committed = committed
  }

  /** null: the file names none. */
  get store(): EtcdStore | null {
    return this.#followed?.store ?? null
  }

  /** What is committed there, or was when it was last heard of; null without a store. */
  get latest(): StoredConfig | null {
    return this.#followed?.latest ?? null
  }

  /** null: the same store as before, or none. Rejects with StartProblem, and the former is followed on. */
  async follow(control: ControlConfig): Promise<StoreStart | null> {
    const directory = stateDirectory(control, this.#file, process.env)
    const settings = JSON.stringify([control.etcd ?? null, directory])
    const before = this.#followed
    if (settings === before?.settings) return null
    if (control.etcd === undefined) {
      this.#followed = null
      await before?.store.close()
      return null
    }
    const store = new EtcdStore(
      { settings: control.etcd, base: dirname(this.#file), directory },
      {
        committed: (config) => {
          followed.latest = config
          if (this.#followed === followed) this.#committed()
        },
        away: (error) => this.#log.error({ err: error }, 'etcd is away; the last good configuration serves'),
        back: () => this.#log.info({}, 'etcd is back'),
        pending: (keys) => this.#tellPending(keys),
        warned: (message) => this.#log.warn({}, message),
      },
    )
    const followed: Followed = { settings, store, latest: null }
    const started = await store.start()
    followed.latest ??= started.config
    this.#followed = followed
    await before?.store.close()
    const { commit } = started.config
    if (started.from === 'copy')
      this.#log.error({ version: commit.version, err: started.problem }, 'etcd is away: starting from the local copy')
    return started
  }

  async close(): Promise<void> {
    await this.#followed?.store.close()
  }

  #tellPending(keys: readonly string[]): void {
    if (keys.length === 0) return
    const shown = { keys: keys.slice(0, MOST_SHOWN), count: keys.length }
    this.#log.warn(shown, 'changes in etcd are not committed and do not serve; put PREFIX/commit to make them')
  }
}

const MOST_SHOWN = 20
