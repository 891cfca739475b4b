// What etcd holds, as far as it is committed: changes are put aside until a commit marker closes them.
//
//   revision   7      8      9        10       11     12
//   change     a=1    b=1    commit   a=2      b=2    commit       the state of version 9 has a=1, b=1; nobody ever sees a=2, b=1
import type { EtcdEvent } from '../base/etcd-link.ts'
import { SortedTexts } from '../base/sorted-texts.ts'
import { MAX_MARKER, parseMarker } from './commit-marker.ts'
import { COMMIT, LOCK, MAX_ITEMS, MAX_TEXT, roleOf } from './etcd-keys.ts'
import type { CommitInfo } from './shared-store.ts'

/** What is committed at some version. */
export interface CommittedItems {
  /** Of etcd: versions of two clusters cannot be compared. */
  readonly cluster: string
  /** Text of the marker: an etcd that has lost its data counts from the beginning, and comes to the same versions again. */
  readonly marker: string
  readonly commit: CommitInfo
  readonly items: SortedTexts
}

/** The same, as others are told of it. */
export interface StoredConfig extends CommittedItems {
  /** Put before a key where problems are told: `etcd:/sluice/edge/`. */
  readonly origin: string
}

/** One read of all items at one revision. */
export interface StoreReading {
  readonly cluster: string
  readonly revision: number
  /** null: nothing was ever committed. */
  readonly commit: CommitInfo | null
  readonly marker: string
  readonly lock: string | null
  /** All items, committed or not. */
  readonly current: SortedTexts
  /** The items at the commit; null: that can be found nowhere any more. */
  readonly committed: SortedTexts | null
}

/** A commit before the first. */
export const NO_COMMIT: CommitInfo = { version: 0, author: '', time: 0, message: '' }

export class CommitLog {
  readonly #prefix: string
  readonly #warn: (message: string) => void
  readonly #unknown = new Set<string>()
  #cluster = ''
  #revision = 0
  #lock: string | null = null
  #current = SortedTexts.EMPTY
  #committed: CommittedItems | null = null

  /** `prefix` ends with a slash. `warn` is told of keys that have no meaning. */
  constructor(prefix: string, warn: (message: string) => void) {
    this.#prefix = prefix
    this.#warn = warn
  }

  /** null: not known yet. */
  get committed(): CommittedItems | null {
    return this.#committed
  }

  /** The last one that has been seen. */
  get revision(): number {
    return this.#revision
  }

  /** Who changes something now; null: nobody. */
  get lock(): string | null {
    return this.#lock
  }

  /** Where the texts are taken from that a reading finds again. */
  get current(): SortedTexts {
    return this.#current
  }

  /** False: nothing has been changed since the last commit. Asked for every event, and so not looked at closely. */
  get mayHavePending(): boolean {
    return this.#current !== (this.#committed?.items ?? SortedTexts.EMPTY)
  }

  /** What has been changed since the last commit. */
  get pending(): ReadonlyMap<string, string | null> {
    return this.#current.changesSince(this.#committed?.items ?? SortedTexts.EMPTY)
  }

  /** What a former process has left on disk: where nothing better is known. */
  seed(committed: CommittedItems): void {
    this.#committed = committed
    this.#current = committed.items
  }

  /** Takes over what was read. */
  replace({ cluster, revision, commit, marker, lock, current, committed }: StoreReading): void {
    this.#cluster = cluster
    this.#revision = revision
    this.#lock = lock
    this.#current = current
    if (committed === null) return // it is known after the next commit
    if (commit !== null) this.#committed = { cluster, marker, commit, items: committed }
    else this.#committed ??= { cluster, marker, commit: NO_COMMIT, items: committed }
  }

  /** All that has happened, in order; the events of one revision come together. */
  apply(events: readonly EtcdEvent[]): void {
    let at = 0
    while (at < events.length) {
      const from = at
      const { revision } = events[from]!
      while (at < events.length && events[at]!.revision === revision) at++
      // A watch that has come back may tell what is known already.
      if (revision > this.#revision) this.#applyOne(revision, events.slice(from, at))
    }
  }

  #applyOne(revision: number, events: readonly EtcdEvent[]): void {
    const changes = new Map<string, string | null>()
    let marker: string | null = null
    for (const { key, value } of events) {
      const name = key.slice(this.#prefix.length)
      const role = roleOf(name)
      if (role === 'item') this.#takeItem(changes, name, value)
      else if (role === 'lock') this.#lock = value
      else if (role === 'commit' && value !== null) marker = value
      else if (role === 'unknown' && value !== null) this.tellUnknown(name)
    }
    this.#revision = revision
    if (changes.size > 0) this.#current = this.#current.with(changes)
    if (marker === null) return
    const commit = parseMarker(marker, revision)
    this.#committed = { cluster: this.#cluster, marker: marker.slice(0, MAX_MARKER), commit, items: this.#current }
  }

  #takeItem(changes: Map<string, string | null>, name: string, value: string | null): void {
    const isTooLarge = value !== null && value.length > MAX_TEXT
    const isTooMany = value !== null && !this.#current.has(name) && this.#current.size + changes.size >= MAX_ITEMS
    if (isTooLarge) this.#warn(`"${name}" in etcd has more than ${MAX_TEXT} characters; it stays as it was`)
    else if (isTooMany) this.#warn(`etcd holds more than ${MAX_ITEMS} items; "${name}" is left out`)
    else changes.set(name, value)
  }

  /** A mistake in a key is told once. */
  tellUnknown(name: string): void {
    if (this.#unknown.has(name) || this.#unknown.size >= 100) return
    this.#unknown.add(name)
    this.#warn(
      `the key "${name.slice(0, 200)}" in etcd means nothing; expected ${COMMIT}, ${LOCK}, paths, plugins, routes/NAME or upstreams/NAME`,
    )
  }
}
