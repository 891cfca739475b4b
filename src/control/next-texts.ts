// The texts that a change comes to: of a configuration file, or of the items of a shared store.
import { Slice } from '../base/slice.ts'
import { concealedConfig, concealedRoute } from '../config/concealed.ts'
import { isRecord } from '../config/document.ts'
import { isEqual } from '../config/difference.ts'
import { changeText } from '../config/edit.ts'
import { asBlock } from '../config/rendered.ts'
import { replaceText, withoutConcealed } from '../config/whole.ts'
import { FILE_ITEM, type ConfigTexts } from './config-authority.ts'
import type { Validated } from './publish.ts'
import { changedRoute, type RouteChange } from './route-change.ts'
import type { SentConfig } from './sent-config.ts'
import { doText } from './text-worker.ts'
import { WriteRefusal } from './write-refusal.ts'

type Raw = Readonly<Record<string, unknown>>

/** What serves, and the texts that it was made of. */
export interface Served {
  readonly texts: ConfigTexts
  readonly validated: Validated
  /** The texts are items of a shared store. */
  readonly shared: boolean
}

/** The texts with this configuration in the place of the whole one. Rejects with EditRefusal or WriteRefusal. */
export async function withConfig(served: Served, sent: SentConfig): Promise<ConfigTexts> {
  const present = await shownConfig(served.validated)
  if (served.shared) return withSharedItems(served, await doText('sent', sent), JSON.parse(present) as Raw)
  const text = served.texts.get(FILE_ITEM) ?? ''
  return new Map([[FILE_ITEM, await doText('replace', { text, sent, present })]])
}

/** The texts with a route changed, added or removed. Rejects with EditRefusal or WriteRefusal. */
export async function withRoute(served: Served, name: string, change: RouteChange): Promise<ConfigTexts> {
  const { texts, shared, validated } = served
  const index = validated.valid.config.routes.findIndex((route) => route.name === name)
  const key = `routes/${name}`
  const text = texts.get(shared ? key : FILE_ITEM)
  if (shared && text === undefined && index >= 0) throw ofThisFile(key)
  if (change.kind !== 'put' && (shared ? text === undefined : index < 0))
    throw new WriteRefusal('not-found', `there is no route ${JSON.stringify(name)}`)
  if (!shared) return new Map([[FILE_ITEM, await doText('route', { text: text ?? '', index, change })]])
  const next = new Map(texts)
  if (change.kind === 'remove') next.delete(key)
  else if (text === undefined) next.set(key, asBlock(changedRoute(undefined, change), 0))
  else
    next.set(
      key,
      changeText(text, (written) => changedRoute(written, change)),
    )
  return next
}

async function withSharedItems({ texts }: Served, wanted: Raw, present: Raw): Promise<ConfigTexts> {
  const next = new Map<string, string>()
  const items = itemsOf(wanted)
  const before = itemsOf(present)
  const slice = new Slice()
  for (const [key, value] of items) {
    const text = texts.get(key)
    const was = before.get(key)
    if (text !== undefined) next.set(key, isEqual(value, was) ? text : replaceText(text, value, was ?? null))
    else if (was === undefined) next.set(key, asBlock(withoutConcealed(value), 0))
    else if (!isPart(value, was)) throw ofThisFile(key)
    await slice.rest()
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

/** As the admin API shows it, as JSON: what that cannot hold is not shown. */
async function shownConfig({ valid, plugins }: Validated): Promise<string> {
  const { routes, ...rest } = valid.config
  const head = JSON.stringify(concealedConfig(rest, plugins))
  const rows: string[] = []
  const slice = new Slice()
  for (const route of routes) {
    rows.push(JSON.stringify(concealedRoute(route, plugins)))
    await slice.rest()
  }
  return `${head.slice(0, -1)},"routes":[${rows.join(',')}]}`
}
