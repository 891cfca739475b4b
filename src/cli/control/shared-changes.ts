// Two sets of shared items, compared by their texts and by what these say.
import { parse } from 'yaml'
import type { Change } from '../../config/diff.ts'
import { isRecord } from '../../config/document.ts'
import { diffWritten } from './file-changes.ts'

export type Items = ReadonlyMap<string, string>

/** What must be written to come from one to the other: texts by key; null: the item goes. */
export function changesBetween(before: Items, after: Items): Map<string, string | null> {
  const changes = new Map<string, string | null>()
  for (const key of before.keys()) if (!after.has(key)) changes.set(key, null)
  for (const [key, text] of after) if (before.get(key) !== text) changes.set(key, text)
  return changes
}

export async function compareItems(before: Items, after: Items): Promise<Change[]> {
  // What has the same text says the same: it need not be read.
  const differs = (key: string): boolean => before.get(key) !== after.get(key)
  return diffWritten(configOf(before, differs), configOf(after, differs))
}

/** As a configuration has them; in the order of their names, since items have no other. */
function configOf(items: Items, isWanted: (key: string) => boolean): object {
  const routes: object[] = []
  const upstreams: Record<string, unknown> = Object.create(null) as Record<string, unknown>
  const single: Record<string, unknown> = {}
  for (const key of [...items.keys()].filter(isWanted).toSorted()) {
    const value = valueOf(items.get(key)!)
    if (key.startsWith('routes/'))
      routes.push({ ...(isRecord(value) ? value : { value }), name: key.slice('routes/'.length) })
    else if (key.startsWith('upstreams/')) upstreams[key.slice('upstreams/'.length)] = value
    else single[key] = value
  }
  return { ...single, upstreams, routes }
}

/** Somebody may have put anything there. */
function valueOf(text: string): unknown {
  try {
    return parse(text, { logLevel: 'silent', maxAliasCount: 100 }) as unknown
  } catch {
    return 'no YAML'
  }
}
