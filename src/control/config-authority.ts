// What a writer of configurations needs of the control plane.
import type { Change } from '../config/diff.ts'
import type { Problem } from '../config/problem.ts'
import type { Validated } from './publish.ts'
import type { ConfigChange } from './shared-store.ts'

/** Key of the text of a configuration file among items. */
export const FILE_ITEM = 'file'

/** The source that may be written to, as texts by key: one text under FILE_ITEM, or the items of a shared store. */
export type ConfigTexts = ReadonlyMap<string, string>

/** Where changes are written to. */
export interface ConfigStore {
  /** Where that is, in words for people: `the file /etc/sluice/gateway.yaml`. */
  readonly place: string
  /** True: items of a shared store under their keys; false: one file under FILE_ITEM. */
  readonly shared: boolean
  /**
   * Resolves with the version that the change has become. Rejects with VersionConflict when the source has changed since
   * `change.base`, with StoreRefusal when it cannot be written, with InvalidConfiguration when it cannot serve.
   */
  write(change: ConfigChange): Promise<number>
}

/** The store cannot be written, and why: permissions, a mount that is read-only, etcd that is away. */
export class StoreRefusal extends Error {
  /** True: it may work later. */
  readonly passing: boolean

  constructor(message: string, passing: boolean, cause?: unknown) {
    super(message, { cause })
    this.passing = passing
  }
}

/** The one who says what serves here: the control plane. */
export interface ConfigAuthority {
  /** What serves here now. */
  readonly version: number
  readonly validated: Validated
  /** The texts of the source that may be written, as they serve; without the local file where the store is shared. */
  texts(): ConfigTexts
  /**
   * Could these texts, in the place of `texts()`, serve? Changes nothing. Rejects with InvalidConfiguration, also for what is
   * wrong in one item of a shared store.
   */
  validate(texts: ConfigTexts): Promise<Validated>
  readonly store: ConfigStore
  /**
   * Resolves when this version, or a later one, serves here. Rejects with InvalidConfiguration when it was refused here, with
   * the reason of the signal when that comes first.
   */
  served(version: number, signal: AbortSignal): Promise<void>
}

/** The part of the control plane that FileStore works with. */
export interface FileAuthority {
  /** The text of the file that serves. */
  readonly text: string
  readonly version: number
  /**
   * The file has this text now: makes it serve as if the change had been noticed, and resolves with its version. Rejects
   * with InvalidConfiguration, or what an address said, when it cannot serve; the former one serves on.
   */
  adopt(text: string, author: string, message: string): Promise<number>
}

/** A version that serves, or has served. */
export interface VersionInfo {
  readonly version: number
  /** Unix ms */
  readonly time: number
  readonly author: string
  readonly message: string
  /** Where it came from. */
  readonly why: string
}

/** Who writes, and why. */
export interface Authorship {
  readonly author: string
  readonly message: string
}

/** What a change has become, or would become. */
export interface WriteOutcome {
  /** The version that serves now; the present one when nothing was written. */
  readonly version: number
  /** False: it was only looked at, or nothing was to be changed. */
  readonly written: boolean
  readonly changes: readonly Change[]
  readonly warnings: readonly Problem[]
}
