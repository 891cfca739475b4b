// The control plane as those see it who write configurations: what serves, where it is written to, and when it serves.
import type { SortedTexts } from '../base/sorted-texts.ts'
import { ConfigLoader, type SharedConfig } from '../config/loader.ts'
import type { Problem } from '../config/problem.ts'
import {
  FILE_ITEM,
  StoreRefusal,
  type Authorship,
  type ConfigAuthority,
  type ConfigStore,
  type ConfigTexts,
  type FileAuthority,
} from './config-authority.ts'
import type { StoredConfig } from './commit-log.ts'
import { EtcdFailure } from './etcd-errors.ts'
import type { EtcdStore } from './etcd-store.ts'
import { FileStore } from './file-store.ts'
import { InvalidConfiguration, type Validated } from './publish.ts'
import { RefusedChange, type ConfigChange } from './shared-store.ts'

/** What serves, and what it was made from. */
export interface Served {
  readonly version: number
  readonly validated: Validated
  /** Of the file. */
  readonly text: string
  /** null without a store. */
  readonly shared: StoredConfig | null
  /** Items of the store in the forms that serve: those that were rejected in their last good ones. */
  readonly items: SortedTexts
}

/** The control plane. */
export interface Authority {
  readonly version: number
  readonly served: Served
  /** null: the file alone says everything. */
  readonly store: EtcdStore | null
  /** Could this serve in place of what does? Changes nothing. Rejects with InvalidConfiguration. */
  tryOut(text: string, shared: SharedConfig | null, loader: ConfigLoader): Promise<Validated>
  /** The file has this text now. Resolves with the version that it serves as; rejects when it cannot serve. */
  adopt(text: string, authorship: Authorship): Promise<number>
}

interface Waiting {
  readonly version: number
  readonly settle: (error: Error | null) => void
}

export class PlaneAuthority implements ConfigAuthority, FileAuthority {
  readonly #plane: Authority
  readonly #fileStore: FileStore
  /** One of its own: what is only tried must not count as what was offered last. */
  readonly #loader = new ConfigLoader()
  #waiting: readonly Waiting[] = []

  constructor(plane: Authority, file: string) {
    this.#plane = plane
    this.#fileStore = new FileStore(file, this)
  }

  get version(): number {
    return this.#plane.version
  }

  get validated(): Validated {
    return this.#plane.served.validated
  }

  get text(): string {
    return this.#plane.served.text
  }

  get store(): ConfigStore {
    const shared = this.#plane.store
    return shared === null ? this.#fileStore : sharedStore(shared)
  }

  texts(): ConfigTexts {
    return textsOf(this.#plane.served)
  }

  async validate(texts: ConfigTexts): Promise<Validated> {
    const { text, shared } = this.#plane.served
    const isFile = shared === null
    const items: SharedConfig | null = isFile ? null : { origin: shared.origin, items: texts }
    const validated = await this.#plane.tryOut(isFile ? texts.get(FILE_ITEM)! : text, items, this.#loader)
    const problems = validated.rejected.flatMap((item) => item.problems)
    if (problems.length > 0) throw new InvalidConfiguration(problems)
    return validated
  }

  adopt(text: string, author: string, message: string): Promise<number> {
    return this.#plane.adopt(text, { author, message })
  }

  served(version: number, signal: AbortSignal): Promise<void> {
    if (this.version >= version) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const settle = (error: Error | null): void => {
        signal.removeEventListener('abort', late)
        if (error === null) resolve()
        else reject(error)
      }
      const waiting: Waiting = { version, settle }
      const late = (): void => {
        this.#waiting = this.#waiting.filter((each) => each !== waiting)
        settle(signal.reason as Error)
      }
      this.#waiting = [...this.#waiting, waiting]
      signal.addEventListener('abort', late)
    })
  }

  /** What was offered up to `version` is dealt with. `problems`: what of it does not serve. */
  settled(version: number, problems: readonly Problem[] | Error): void {
    const isOver = (each: Waiting): boolean => each.version <= version
    const over = this.#waiting.filter(isOver)
    this.#waiting = this.#waiting.filter((each) => !isOver(each))
    const error =
      problems instanceof Error ? problems : problems.length === 0 ? null : new InvalidConfiguration(problems)
    for (const { settle } of over) settle(error)
  }
}

/** The texts of the source that may be written, as they serve. */
export function textsOf({ shared, text, items }: Served): ConfigTexts {
  return shared === null ? new Map([[FILE_ITEM, text]]) : items
}

function sharedStore(store: EtcdStore): ConfigStore {
  return {
    place: store.origin,
    shared: true,
    write: (change: ConfigChange) =>
      store.write(change).catch((error: unknown) => {
        if (error instanceof RefusedChange) throw new StoreRefusal(error.message, false, error)
        if (error instanceof EtcdFailure) throw new StoreRefusal(error.message, error.kind === 'away', error)
        throw error
      }),
  }
}
