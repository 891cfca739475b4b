// The texts that a change comes to: of a configuration file, or of the items of a shared store.
import { concealedConfig, concealedRoute } from '../config/concealed.ts'
import { isRecord } from '../config/document.ts'
import { editText, rewriteText, writtenValue } from '../config/edit.ts'
import { asBlock } from '../config/rendered.ts'
import { replaceText, withoutConcealed } from '../config/whole.ts'
import { FILE_ITEM, type ConfigTexts } from './config-authority.ts'
import type { Validated } from './publish.ts'
import { WriteRefusal } from './write-refusal.ts'

type Raw = Readonly<Record<string, unknown>>

/** What serves, and the texts that it was made of. */
export interface Served {
  readonly texts: ConfigTexts
  readonly validated: Validated
  /** The texts are items of a shared store. */
  readonly shared: boolean
}

/** null: the route goes. */
export type RouteEdit = (written: unknown) => unknown

/** The texts with this configuration in the place of the whole one. Throws EditRefusal or WriteRefusal. */
export function withConfig(served: Served, wanted: Raw): ConfigTexts {
  const present = shownConfig(served.validated)
  if (served.shared) return withSharedItems(served, wanted, present)
  return new Map([[FILE_ITEM, replaceText(served.texts.get(FILE_ITEM) ?? '', wanted, present)]])
}

/** The texts with a route changed, added or removed. Throws EditRefusal or WriteRefusal. */
export function withRoute(served: Served, name: string, edit: RouteEdit): ConfigTexts {
  const { texts, shared, validated } = served
  const index = validated.valid.config.routes.findIndex((route) => route.name === name)
  if (!shared) return new Map([[FILE_ITEM, withRouteOfFile(texts.get(FILE_ITEM) ?? '', index, edit)]])
  const key = `routes/${name}`
  const text = texts.get(key)
  if (text === undefined && index >= 0) throw ofThisFile(key)
  const before = text === undefined ? undefined : writtenValue(text)
  const after = edit(before)
  const next = new Map(texts)
  if (after === null) next.delete(key)
  else next.set(key, text === undefined ? asBlock(after, 0) : rewriteText(text, after))
  return next
}

function withRouteOfFile(text: string, index: number, edit: RouteEdit): string {
  const written = writtenValue(text)
  const routes: unknown = isRecord(written) ? written['routes'] : undefined
  const list: readonly unknown[] = Array.isArray(routes) ? routes : []
  const value = edit(index < 0 ? undefined : list[index]) ?? undefined
  return editText(text, [{ path: ['routes', index < 0 ? list.length : index], value }])
}

function withSharedItems({ texts }: Served, wanted: Raw, present: Raw): ConfigTexts {
  const next = new Map<string, string>()
  const items = itemsOf(wanted)
  const before = itemsOf(present)
  for (const [key, value] of items) {
    const text = texts.get(key)
    const was = before.get(key)
    if (text !== undefined) next.set(key, replaceText(text, value, was ?? null))
    else if (was === undefined) next.set(key, asBlock(withoutConcealed(value), 0))
    else if (!isPart(value, was)) throw ofThisFile(key)
  }
  for (const key of before.keys()) if (!texts.has(key) && !items.has(key)) throw ofThisFile(key)
  for (const [key, value] of Object.entries(wanted))
    if (!SHARED_KEYS.has(key) && !isPart(value, present[key])) throw ofThisFile(key)
  return next
}

const SHARED_KEYS = new Set(['routes', 'upstreams', 'paths', 'plugins', '$schema'])

function itemsOf({ routes, upstreams, paths, plugins }: Raw): Map<string, unknown> {
  const items = new Map<string, unknown>()
  for (const route of Array.isArray(routes) ? (routes as unknown[]) : []) {
    const name = isRecord(route) && typeof route['name'] === 'string' ? route['name'] : ''
    if (name === '') throw new WriteRefusal('invalid', 'a route has no name')
    if (items.has(`routes/${name}`)) throw new WriteRefusal('invalid', `the route "${name}" is here twice`)
    items.set(`routes/${name}`, route)
  }
  if (isRecord(upstreams)) for (const [name, each] of Object.entries(upstreams)) items.set(`upstreams/${name}`, each)
  if (paths !== undefined) items.set('paths', paths)
  if (plugins !== undefined) items.set('plugins', plugins)
  return items
}

function ofThisFile(key: string): WriteRefusal {
  return new WriteRefusal('conflict', `${key} comes from the file of this gateway, which is not what is written here`)
}

/** Is all that is said also there? What is left out counts as it is. */
function isPart(said: unknown, there: unknown): boolean {
  if (isRecord(said)) return isRecord(there) && Object.keys(said).every((key) => isPart(said[key], there[key]))
  if (Array.isArray(said))
    return Array.isArray(there) && said.length === there.length && said.every((each, i) => isPart(each, there[i]))
  return said === there
}

/** As the admin API shows it. */
function shownConfig({ valid, plugins }: Validated): Raw {
  const { routes, ...rest } = valid.config
  const shown = concealedConfig(rest, plugins) as Raw
  // What JSON cannot hold is not shown.
  return JSON.parse(JSON.stringify({ ...shown, routes: routes.map((route) => concealedRoute(route, plugins)) })) as Raw
}
