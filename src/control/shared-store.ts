// What a store is that several gateways share: items under keys, changed together by commits.
import type { SharedConfig } from '../config/loader.ts'

export interface CommitInfo {
  /** Grows with every commit; the same in the whole fleet. */
  readonly version: number
  readonly author: string
  /** Unix ms */
  readonly time: number
  readonly message: string
}

export interface CommittedConfig extends SharedConfig {
  readonly commit: CommitInfo
}

export interface StoreEvents {
  /** A newer committed state, whole. States that came while the receiver was busy may be skipped. */
  committed(config: CommittedConfig): void
  away(error: Error): void
  back(): void
}

/** A change of several items that is seen whole or not at all. */
export interface ConfigChange {
  /** The version that it was made from; 0: there is none yet. */
  readonly base: number
  /** Text by key; null: the item goes. */
  readonly items: ReadonlyMap<string, string | null>
  readonly author: string
  readonly message: string
}

/** Somebody else was faster. */
export class VersionConflict extends Error {
  readonly latest: number

  constructor(base: number, latest: number) {
    super(
      latest === 0 ? 'nothing is committed there' : `the configuration is at version ${latest}, not ${base} any more`,
    )
    this.latest = latest
  }
}

/** The change cannot be made as it is; nothing has happened. */
export class RefusedChange extends Error {}

/** There is nothing to start with. */
export class StartProblem extends Error {}
