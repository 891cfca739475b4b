// What lies where below the prefix in etcd, and how much of it is taken.

/** A change of more cannot be told from a mistake. */
export const MAX_ITEMS = 100_000
/** Bytes of one item; etcd itself takes requests of up to 1.5 MiB. */
export const MAX_TEXT = 1024 * 1024

export const COMMIT = 'commit'
export const LOCK = 'lock'

/** Keys and prefixes of items: what a commit makes valid. */
export const SINGLE_ITEMS: readonly string[] = ['paths', 'plugins']
export const ITEM_FOLDERS: readonly string[] = ['routes/', 'upstreams/']

export type Role = 'item' | 'commit' | 'lock' | 'fleet' | 'unknown'

/** Other things that live below the same prefix: statuses, instances, and the registry of endpoints. */
const OTHERS = /^(?:status|instances|endpoints)\//

/** Of a key without the prefix. */
export function roleOf(name: string): Role {
  if (name === COMMIT) return 'commit'
  if (name === LOCK) return 'lock'
  if (SINGLE_ITEMS.includes(name)) return 'item'
  if (ITEM_FOLDERS.some((folder) => name.startsWith(folder) && name.length > folder.length)) return 'item'
  return OTHERS.test(name) ? 'fleet' : 'unknown'
}

/** What problems call a key: before it stands where it lies. */
export function originOf(prefix: string): string {
  return `etcd:${prefix}/`
}
