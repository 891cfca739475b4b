// What two sets of texts differ in, as they are written: variables are not replaced, defaults not filled in.
import type { TSchema } from 'typebox'
import { Slice } from '../base/slice.ts'
import { diffConfigs, type Change } from '../config/diff.ts'
import { isRecord } from '../config/document.ts'
import { FILE_ITEM, type ConfigTexts } from './config-authority.ts'
import { keysThatDiffer } from './text-delta.ts'
import { doText } from './text-worker.ts'

/** A text that is no YAML counts as nothing. */
export async function writtenChanges(
  before: ConfigTexts,
  after: ConfigTexts,
  plugins: ReadonlyMap<string, { readonly schema: TSchema }>,
): Promise<Change[]> {
  const keys = keysThatDiffer(before, after)
  return diffConfigs(await configOf(before, keys), await configOf(after, keys), plugins)
}

/** Only of these keys. */
async function configOf(texts: ConfigTexts, keys: readonly string[]): Promise<unknown> {
  const routes: unknown[] = []
  const upstreams: [string, unknown][] = []
  const others: [string, unknown][] = []
  const slice = new Slice()
  for (const key of keys) {
    const text = texts.get(key)
    if (text === undefined) continue
    const value = await doText('read', { text })
    await slice.rest()
    if (key === FILE_ITEM) return value
    if (key.startsWith('routes/')) routes.push(isRecord(value) ? { name: key.slice(7), ...value } : value)
    else if (key.startsWith('upstreams/')) upstreams.push([key.slice(10), value])
    else others.push([key, value])
  }
  return { ...Object.fromEntries(others), upstreams: Object.fromEntries(upstreams), routes }
}
