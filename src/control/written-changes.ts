// What two sets of texts differ in, as they are written: variables are not replaced, defaults not filled in.
import type { TSchema } from 'typebox'
import { diffConfigs, type Change } from '../config/diff.ts'
import { isRecord } from '../config/document.ts'
import { writtenValue } from '../config/edit.ts'
import { FILE_ITEM, type ConfigTexts } from './config-authority.ts'

/** A text that is no YAML counts as nothing. */
export function writtenChanges(
  before: ConfigTexts,
  after: ConfigTexts,
  plugins: ReadonlyMap<string, { readonly schema: TSchema }>,
): Promise<Change[]> {
  const differ = (key: string): boolean => before.get(key) !== after.get(key)
  const keys = [...new Set([...before.keys(), ...after.keys()])].filter(differ)
  return diffConfigs(configOf(before, keys), configOf(after, keys), plugins)
}

/** Only of these keys. */
function configOf(texts: ConfigTexts, keys: readonly string[]): unknown {
  const routes: unknown[] = []
  const upstreams: [string, unknown][] = []
  const others: [string, unknown][] = []
  for (const key of keys) {
    const text = texts.get(key)
    if (text === undefined) continue
    const value = valueOf(text)
    if (key === FILE_ITEM) return value
    if (key.startsWith('routes/')) routes.push(isRecord(value) ? { name: key.slice(7), ...value } : value)
    else if (key.startsWith('upstreams/')) upstreams.push([key.slice(10), value])
    else others.push([key, value])
  }
  return { ...Object.fromEntries(others), upstreams: Object.fromEntries(upstreams), routes }
}

function valueOf(text: string): unknown {
  try {
    return writtenValue(text)
  } catch {
    return null
  }
}
