// Changes of several items that others see whole or not at all.
//
//   small    one transaction: the items, then the commit marker
//   large    take the lock -> transactions that hold only while the lock is ours -> the last has the marker and drops the lock
//
// A writer that dies in the middle leaves items that nobody has committed, and a lock that ends by itself.
import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import type { EtcdLease, EtcdLink } from '../base/etcd-link.ts'
import type { EtcdCondition, EtcdOperation, EtcdOutcome } from '../base/etcd-transaction.ts'
import { growingDelay } from '../base/growing-delay.ts'
import { SortedTexts } from '../base/sorted-texts.ts'
import { NO_COMMIT } from './commit-log.ts'
import { changeId, formatMarker, parseMarker } from './commit-marker.ts'
import type { EtcdConnection } from './etcd-connection.ts'
import { explained, isAway } from './etcd-errors.ts'
import { COMMIT, ITEM_FOLDERS, LOCK, MAX_ITEMS, MAX_TEXT, roleOf, SINGLE_ITEMS } from './etcd-keys.ts'
import { isCompacted, readHead, readStore, readVersion } from './etcd-reader.ts'
import { RefusedChange, VersionConflict, type CommitInfo, type ConfigChange } from './shared-store.ts'

/** What etcd holds. */
export interface StoreState {
  /** Version 0: nothing was ever committed. */
  readonly commit: CommitInfo
  /** The items at that commit; null: changes lie there that nobody has committed, and what was before is not known any more. */
  readonly items: SortedTexts | null
  /** What was changed and not committed; null: the item has gone. */
  readonly pending: ReadonlyMap<string, string | null>
  /** Who makes a large change just now. */
  readonly lock: string | null
}

/** etcd takes 128 in one transaction, and 1.5 MiB. */
const MAX_OPERATIONS = 120
const MAX_BYTES = 1_200_000
/** Seconds that the lock of a writer outlives it. */
const LOCK_SECONDS = 15
/** A transaction whose answer was lost is sent again: its conditions see to it that it happens once. */
const TRIES = 3
const NAMED = 10

export class EtcdWriter {
  readonly #connection: EtcdConnection
  readonly #prefix: string
  readonly #pendingAt: (version: number) => ReadonlyMap<string, string | null> | null

  /** `prefix` ends with a slash. `pendingAt`: what is known to wait for a commit since that version; null: nothing is known. */
  constructor(
    connection: EtcdConnection,
    prefix: string,
    pendingAt: (version: number) => ReadonlyMap<string, string | null> | null,
  ) {
    this.#connection = connection
    this.#prefix = prefix
    this.#pendingAt = pendingAt
  }

  /** Its version. Rejects with VersionConflict, RefusedChange or EtcdFailure. */
  async write(change: ConfigChange): Promise<number> {
    checkChange(change)
    return this.#explain(async () => {
      const { base, items } = change
      const pending = this.#pendingAt(base) ?? (await this.#readPending(base))
      const others = [...pending.keys()].filter((name) => !items.has(name))
      if (others.length > 0) throw uncommitted(others)
      const parts = partsOf(this.#prefix, items)
      const writing = { change, id: randomUUID(), conditions: this.#conditions(base, pending.size === 0) }
      return parts.length === 1 ? this.#writeSmall(writing, parts[0]!) : this.#writeLarge(writing, parts)
    })
  }

  async read(version?: number): Promise<StoreState> {
    return this.#explain(async () => {
      if (version !== undefined) return this.#readEarlier(version)
      const head = await readHead(this.#link, this.#prefix)
      const known = { committed: null, current: SortedTexts.EMPTY }
      const { commit, committed, current, lock } = await readStore(this.#link, this.#prefix, head, known, () => {})
      const base = committed ?? SortedTexts.EMPTY
      const pending = committed === null ? new Map<string, string | null>() : current.changesSince(base)
      return { commit: commit ?? NO_COMMIT, items: committed, pending, lock }
    })
  }

  async history(most: number): Promise<readonly CommitInfo[]> {
    return this.#explain(async () => {
      const commits: CommitInfo[] = []
      let { version, marker: value } = await readHead(this.#link, this.#prefix)
      while (version > 0 && commits.length < most) {
        commits.push(parseMarker(value, version))
        const before = await this.#link.readAt(this.#prefix + COMMIT, version - 1).catch((error: Error) => {
          if (isCompacted(error)) return null
          throw error
        })
        ;[version, value] = [before?.revision ?? 0, before?.value ?? '']
      }
      return commits
    })
  }

  get #link(): EtcdLink {
    return this.#connection.link
  }

  async #explain<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw explained(error as Error, this.#connection.hosts)
    }
  }

  async #readEarlier(version: number): Promise<StoreState> {
    try {
      const marker = await this.#link.readAt(this.#prefix + COMMIT, version)
      if (marker === null || marker.revision !== version) throw new RefusedChange(`there is no version ${version}`)
      const items = await readVersion(this.#link, this.#prefix, version)
      return { commit: parseMarker(marker.value, version), items, pending: new Map(), lock: null }
    } catch (error) {
      const { message } = error as Error
      if (!isCompacted(error as Error) && !message.includes('future revision')) throw error
      throw new RefusedChange(`etcd does not know version ${version}${isCompacted(error as Error) ? ' any more' : ''}`)
    }
  }

  async #readPending(base: number): Promise<ReadonlyMap<string, string | null>> {
    const { commit, items, pending, lock } = await this.read()
    if (commit.version !== base) throw new VersionConflict(base, commit.version)
    if (lock !== null) throw lockedBy(lock)
    if (items === null)
      throw new RefusedChange('changes of somebody else wait for a commit, and what was before is not known any more')
    return pending
  }

  /** `isClean`: nothing is there that was changed after the commit; it has to stay so. */
  #conditions(base: number, isClean: boolean): EtcdCondition[] {
    const [commit, lock] = [this.#prefix + COMMIT, this.#prefix + LOCK]
    const conditions: EtcdCondition[] = [
      { key: commit, target: 'changed', relation: 'is', revision: base },
      { key: lock, target: 'created', relation: 'is', revision: 0 },
    ]
    if (!isClean) return conditions
    const old = { target: 'changed', relation: 'below', revision: base + 1 } as const
    for (const name of SINGLE_ITEMS) conditions.push({ key: this.#prefix + name, ...old })
    for (const folder of ITEM_FOLDERS) conditions.push({ key: this.#prefix + folder, isPrefix: true, ...old })
    return conditions
  }

  async #writeSmall(writing: Writing, operations: readonly EtcdOperation[]): Promise<number> {
    const outcome = await this.#transact(writing.conditions, [...operations, this.#marker(writing)])
    if (outcome.succeeded) return outcome.revision
    const [marker = null] = outcome.found
    if (marker !== null && changeId(marker.value) === writing.id) return marker.revision
    throw await this.#whyNot(writing.change, outcome)
  }

  async #writeLarge(writing: Writing, parts: readonly (readonly EtcdOperation[])[]): Promise<number> {
    const lease = await this.#link.grantLease(LOCK_SECONDS, () => {})
    try {
      const held = await this.#takeLock(writing, lease)
      const [key, target, relation] = [this.#prefix + LOCK, 'created', 'is'] as const
      const ours = [writing.conditions[0]!, { key, target, relation, revision: held }]
      for (const part of parts.slice(0, -1)) {
        const outcome = await this.#transact(ours, part)
        if (!outcome.succeeded) throw await this.#whyNot(writing.change, outcome)
      }
      const last = [...parts.at(-1)!, this.#marker(writing), { delete: key }]
      const outcome = await this.#transact(ours, last)
      if (outcome.succeeded) return outcome.revision
      const [marker = null] = outcome.found
      if (marker !== null && changeId(marker.value) === writing.id) return marker.revision
      throw await this.#whyNot(writing.change, outcome)
    } finally {
      // The lock goes with it, if it is still there.
      await lease.revoke().catch(() => lease.abandon())
    }
  }

  /** The revision at which we got it. */
  async #takeLock({ change, id, conditions }: Writing, lease: EtcdLease): Promise<number> {
    const value = JSON.stringify({ author: change.author.slice(0, 200), time: Date.now(), id })
    const outcome = await this.#transact(conditions, [{ put: this.#prefix + LOCK, value, lease: lease.id }])
    if (outcome.succeeded) return outcome.revision
    const [, lock = null] = outcome.found
    if (lock?.value === value) return lock.created
    throw await this.#whyNot(change, outcome)
  }

  #marker({ change, id }: Writing): EtcdOperation {
    const { author, message, items } = change
    const value = formatMarker({ author, message, time: Date.now(), changed: [...items.keys()], id })
    return { put: this.#prefix + COMMIT, value }
  }

  /** Where a condition does not hold, `found` has the marker and the lock. */
  async #transact(when: readonly EtcdCondition[], operations: readonly EtcdOperation[]): Promise<EtcdOutcome> {
    const otherwise = [{ get: this.#prefix + COMMIT }, { get: this.#prefix + LOCK }]
    for (let tries = 1; ; tries++) {
      try {
        return await this.#link.transact({ when, operations, otherwise })
      } catch (error) {
        if (tries === TRIES || !isAway(error as Error)) throw error
        await setTimeout(growingDelay(tries, 100, 1000))
      }
    }
  }

  async #whyNot({ base }: ConfigChange, { found }: EtcdOutcome): Promise<Error> {
    const [marker = null, lock = null] = found
    if ((marker?.revision ?? 0) !== base) return new VersionConflict(base, marker?.revision ?? 0)
    if (lock !== null) return lockedBy(lock.value)
    const { pending } = await this.read()
    if (pending.size > 0) return uncommitted([...pending.keys()])
    return new RefusedChange('somebody else was changing the same items; try again')
  }
}

interface Writing {
  readonly change: ConfigChange
  /** By which we know our marker and our lock when the answer was lost. */
  readonly id: string
  readonly conditions: readonly EtcdCondition[]
}

function uncommitted(names: readonly string[]): RefusedChange {
  const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : ''
  return new RefusedChange(
    `changes of somebody else wait for a commit: ${names.slice(0, NAMED).join(', ')}${more}; commit them first, or change them too`,
  )
}

function lockedBy(lock: string): RefusedChange {
  const { author } = parseMarker(lock, 0)
  return new RefusedChange(`${author === '' ? 'somebody' : author} makes a large change just now; try again`)
}

function checkChange({ items, author }: ConfigChange): void {
  if (items.size > MAX_ITEMS) throw new RefusedChange(`${items.size} items are more than ${MAX_ITEMS}`)
  if (author === '') throw new RefusedChange('a change needs an author')
  for (const [name, text] of items) {
    if (roleOf(name) !== 'item')
      throw new RefusedChange(`"${name}" is no item; expected paths, plugins, routes/NAME or upstreams/NAME`)
    if (text !== null && text.length > MAX_TEXT)
      throw new RefusedChange(`"${name}" has more than ${MAX_TEXT} characters`)
  }
}

/** What goes into one transaction each; at least one part. */
function partsOf(prefix: string, items: ConfigChange['items']): EtcdOperation[][] {
  const parts: EtcdOperation[][] = [[]]
  let bytes = 0
  for (const [name, text] of items) {
    const size = Buffer.byteLength(text ?? '') + prefix.length + name.length + 32
    if (parts.at(-1)!.length === MAX_OPERATIONS || (bytes > 0 && bytes + size > MAX_BYTES)) {
      parts.push([])
      bytes = 0
    }
    parts.at(-1)!.push(text === null ? { delete: prefix + name } : { put: prefix + name, value: text })
    bytes += size
  }
  return parts
}
