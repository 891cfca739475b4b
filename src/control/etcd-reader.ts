// Reads all items, and finds out which of them are committed. Changes that nobody has committed yet may lie among them:
//
//   what was committed at version V is   what memory has of version V
//                                   or   all that is there, when nothing is newer than V and nothing has gone
//                                   or   what etcd remembers of revision V, unless it has compacted that
//                                   or   what the local copy has of version V
import type { EtcdEntry, EtcdLink } from '../base/etcd-link.ts'
import { SortedTexts } from '../base/sorted-texts.ts'
import type { CommittedItems, StoreReading } from './commit-log.ts'
import { parseMarker } from './commit-marker.ts'
import { COMMIT, ITEM_FOLDERS, LOCK, MAX_ITEMS, MAX_TEXT, SINGLE_ITEMS } from './etcd-keys.ts'

/** What this process knows already. */
export interface Known {
  readonly committed: CommittedItems | null
  /** Texts that are found again stay the same strings. */
  readonly current: SortedTexts
}

export interface StoreHead {
  readonly cluster: string
  readonly revision: number
  /** Revision of the marker; 0: there is none. */
  readonly version: number
  readonly marker: string
  /** Of whoever holds the lock. */
  readonly lock: string | null
}

/** `patience`: ms; absent: as for every read. */
export async function readHead(link: EtcdLink, prefix: string, patience?: number): Promise<StoreHead> {
  const operations = [{ get: prefix + COMMIT }, { get: prefix + LOCK }]
  const { found, revision, cluster } = await link.transact({ when: [], operations }, patience)
  const [marker = null, lock = null] = found
  return { cluster, revision, version: marker?.revision ?? 0, marker: marker?.value ?? '', lock: lock?.value ?? null }
}

/** `prefix` ends with a slash. */
export async function readStore(
  link: EtcdLink,
  prefix: string,
  head: StoreHead,
  known: Known,
  warn: (message: string) => void,
): Promise<StoreReading> {
  const { cluster, revision, version, marker, lock } = head
  const entries = await readEntries(link, prefix, revision)
  const current = takeOver(entries, prefix, known.current, warn)
  const commit = version === 0 ? null : parseMarker(marker, version)
  const reading = { cluster, revision, commit, lock, current }
  if (version === 0) return { ...reading, committed: SortedTexts.EMPTY }
  const memory = known.committed
  if (memory?.cluster === cluster && memory.commit.version === version) return { ...reading, committed: memory.items }
  const isAllOld = entries.every((entry) => entry.revision <= version)
  const past = await readPast(link, prefix, version, isAllOld ? entries.length : -1)
  if (past === 'compacted') return { ...reading, committed: isAllOld ? current : null }
  return { ...reading, committed: past === 'same' ? current : takeOver(past, prefix, current, warn) }
}

/** The items at an earlier version; rejects when etcd has compacted it. */
export async function readVersion(link: EtcdLink, prefix: string, version: number): Promise<SortedTexts> {
  return takeOver(await readEntries(link, prefix, version), prefix, SortedTexts.EMPTY, () => {})
}

export function isCompacted(error: Error): boolean {
  return error.message.includes('has been compacted')
}

/** `count`: how many items would mean that it was the same as now. */
async function readPast(
  link: EtcdLink,
  prefix: string,
  version: number,
  count: number,
): Promise<readonly EtcdEntry[] | 'same' | 'compacted'> {
  try {
    if (count >= 0 && (await countItems(link, prefix, version)) === count) return 'same'
    return await readEntries(link, prefix, version)
  } catch (error) {
    if (isCompacted(error as Error)) return 'compacted'
    throw error
  }
}

async function countItems(link: EtcdLink, prefix: string, at: number): Promise<number> {
  const singles = await Promise.all(SINGLE_ITEMS.map((name) => link.readAt(prefix + name, at)))
  const folders = await Promise.all(ITEM_FOLDERS.map((folder) => link.count(prefix + folder, at)))
  return singles.filter((entry) => entry !== null).length + folders.reduce((sum, count) => sum + count, 0)
}

async function readEntries(link: EtcdLink, prefix: string, at: number): Promise<EtcdEntry[]> {
  const singles = await Promise.all(SINGLE_ITEMS.map((name) => link.readAt(prefix + name, at)))
  const entries = singles.filter((entry) => entry !== null)
  for (const folder of ITEM_FOLDERS) {
    const range = await link.readPrefix(prefix + folder, MAX_ITEMS - entries.length + 1, at)
    for (const entry of range.entries) if (entry.key.length > prefix.length + folder.length) entries.push(entry)
    if (entries.length > MAX_ITEMS) throw new Error(`etcd holds more than ${MAX_ITEMS} items below ${prefix}`)
  }
  return entries
}

/** `base` with the texts that were read; what is equal is shared. */
function takeOver(
  entries: readonly EtcdEntry[],
  prefix: string,
  base: SortedTexts,
  warn: (message: string) => void,
): SortedTexts {
  const changes = new Map<string, string | null>()
  const seen = new Set<string>()
  for (const { key, value } of entries) {
    const name = key.slice(prefix.length)
    seen.add(name)
    if (value.length > MAX_TEXT) warn(`"${name}" in etcd has more than ${MAX_TEXT} characters; it stays as it was`)
    else if (base.get(name) !== value) changes.set(name, value)
  }
  for (const name of base.keys()) if (!seen.has(name)) changes.set(name, null)
  return base.with(changes)
}
