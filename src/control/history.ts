// The versions of the configuration that have served here, so that each of the last ones can serve again.
import type { Change } from '../config/diff.ts'
import type { ConfigTexts } from './config-authority.ts'

export interface VersionInfo {
  readonly version: number
  /** Unix ms */
  readonly time: number
  readonly author: string
  readonly message: string
  readonly why: 'start' | 'file' | 'etcd' | 'admin' | 'rollback' | 'plugins'
}

export interface VersionReport extends VersionInfo {
  /** How many, against the version before; null when it is the first that is known. */
  readonly changes: number | null
}

/** How lead and admin see it. */
export interface ConfigHistory {
  /** Latest first. */
  reports(): readonly VersionReport[]
  /** null: it is not known (any more). */
  textsOf(version: number): ConfigTexts | null
  /** Against the version before; null when it is not known (any more). */
  changesOf(version: number): readonly Change[] | null
}
