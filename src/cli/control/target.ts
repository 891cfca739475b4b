// What verbs can do with a configuration that serves somewhere: through the admin API of a gateway, or in etcd.
import type { Change } from '../../config/diff.ts'
import type { Problem } from '../../config/problem.ts'

export interface ConfigText {
  /** As the user named it. */
  readonly file: string
  readonly text: string
}

/** A side of a comparison. */
export type Operand =
  | ({ readonly kind: 'file' } & ConfigText)
  | { readonly kind: 'version'; readonly version: number }
  | { readonly kind: 'live' }

/** What a write would do. */
export interface Preview {
  /** What it was compared with. */
  readonly version: number
  readonly changes: readonly Change[]
  readonly warnings: readonly Problem[]
  /** What else the user should know, a line each. */
  readonly notes: readonly string[]
  /** Nothing differs, not even a comment: there is nothing to write. */
  readonly isSame: boolean
}

export interface Authorship {
  readonly author: string
  readonly message: string
}

export interface Written {
  readonly version: number
  /** False: nothing was to be changed, and `version` was there before. */
  readonly isNew: boolean
}

export interface HistoryEntry extends Authorship {
  readonly version: number
  /** Unix ms */
  readonly time: number
  /** How many; null when nobody counted. */
  readonly changes: number | null
  readonly serving: boolean
}

/** One gateway of a fleet. */
export interface InstanceStatus {
  readonly instance: string
  /** That serves there. */
  readonly version: number
  /** The newest that it has looked at, served or not. */
  readonly seen: number
  /** `serving`, `rejected`, or `unknown`: it has told nothing. */
  readonly state: string
  /** What it does not take, the first of it; '' when there is nothing. */
  readonly error: string
  /** Unix ms */
  readonly since: number
}

/** All reject with TargetFailure. */
export interface ConfigTarget {
  /** Where a write goes, in words. */
  describe(): string
  /** The version that serves, or that the next change is made from; 0: there is none yet. */
  version(): Promise<number>
  preview(text: ConfigText): Promise<Preview>
  /** `base`: what the preview was compared with; rejects with Conflict when it has changed since. */
  apply(text: ConfigText, base: number, authorship: Authorship): Promise<Written>
  compare(before: Operand, after: Operand): Promise<readonly Change[]>
  /** Latest first, at most 50. */
  history(): Promise<readonly HistoryEntry[]>
  /** What an earlier version said becomes the newest version. */
  activate(version: number, base: number, authorship: Authorship): Promise<Written>
  fleet(): Promise<readonly InstanceStatus[]>
  close(): Promise<void>
}

/** It cannot be done, and this is why: one line, and perhaps problems of the configuration. */
export class TargetFailure extends Error {
  readonly problems: readonly Problem[]
  /** A line that helps. */
  readonly hint: string

  constructor(message: string, problems: readonly Problem[] = [], hint = '') {
    super(message)
    this.problems = problems
    this.hint = hint
  }
}

/** Somebody else has written in the meantime. */
export class Conflict extends TargetFailure {}
