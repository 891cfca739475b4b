// Which form of each shared item serves: the one that is offered or, where that would break something, its last good one. What
// comes out is a consistent whole: every name that is used is there.
//
// A form that is new is given up before one that serves; what is deleted and still needed stays. So the circle of giving up and
// looking again ends, at the latest when everything is as it was.
import { didYouMean } from './nearest.ts'
import { dotted } from './inspect.ts'
import type { FilePart } from './file-part.ts'
import type { Item, Mention } from './item.ts'
import type { Path } from './document.ts'
import type { Problem } from './problem.ts'
import { SharedPlace, type Entry, type SharedName } from './shared-entry.ts'
import type { Work } from './work.ts'

/** A key of the store, or one that was there. */
export interface Slot extends SharedName {
  /** What is offered; null: it was deleted. */
  readonly entry: Entry | null
  /** What serves; null: nothing does. */
  readonly serves: Entry | null
}

export interface RejectedItem {
  readonly key: string
  readonly problems: readonly Problem[]
  /** Its last good form serves. False: there is none, and it is left out. */
  readonly kept: boolean
}

export interface Offer {
  readonly origin: string
  readonly file: FilePart
  /** What the file was when `before` was made; null at first. */
  readonly fileBefore: FilePart | null
  readonly before: ReadonlyMap<string, Slot>
  /** Changed in place: what is offered is in it already, what serves is decided here. */
  readonly slots: Map<string, Slot>
  /** Keys that need a decision: changed, deleted, or rejected before. */
  readonly touched: Iterable<string>
}

/** Names in messages; there may be very many. */
const MOST_NAMES = 10
const MOST_CANDIDATES = 1000

interface User {
  /** null: the file. */
  readonly slot: Slot | null
  readonly item: Item
  /** In the configuration: `['routes', 2]`. */
  readonly path: Path
}

export class Resolution {
  readonly #offer: Offer
  readonly #rejected = new Map<string, Problem[]>()
  /** Keys whose form is another than before. */
  readonly #changed = new Set<string>()
  #fileProblems: Problem[] = []
  #again = false

  constructor(offer: Offer) {
    this.#offer = offer
  }

  /** Keys whose form is another than before. */
  get changed(): ReadonlySet<string> {
    return this.#changed
  }

  /** What is wrong with the file, seen together with the shared items. */
  get fileProblems(): readonly Problem[] {
    return this.#fileProblems
  }

  get rejected(): RejectedItem[] {
    const { slots } = this.#offer
    return [...this.#rejected]
      .map(([key, problems]) => ({ key, problems, kept: (slots.get(key)?.serves ?? null) !== null }))
      .toSorted((a, b) => (a.key < b.key ? -1 : 1))
  }

  *run(): Work<void> {
    for (const key of this.#offer.touched) {
      this.#choose(key)
      yield
    }
    do {
      this.#again = false
      this.#fileProblems = []
      yield* this.#checkMentions()
      if (!this.#again) yield* this.#checkCircles()
      if (!this.#again) yield* this.#checkSwitches()
    } while (this.#again)
  }

  #choose(key: string): void {
    const { slots, file } = this.#offer
    const slot = slots.get(key)!
    const { entry } = slot
    if (entry === null) return this.#serve(slot, null)
    const clash = clashWith(entry, file)
    if (clash !== '') {
      this.#reject(entry, [], clash)
      return this.#serve(slot, null)
    }
    const problems = [...entry.problems, ...entry.refusals]
    if (problems.length === 0) return this.#serve(slot, entry)
    this.#rejected.set(key, problems)
    this.#serve(slot, this.#good(key))
  }

  #good(key: string): Entry | null {
    return this.#offer.before.get(key)?.serves ?? null
  }

  #serve(slot: Slot, serves: Entry | null): void {
    const { key } = slot
    this.#offer.slots.set(key, { ...slot, serves })
    if ((serves?.item ?? null) === (this.#good(key)?.item ?? null)) this.#changed.delete(key)
    else this.#changed.add(key)
  }

  /** `path`: within the item. */
  #reject(entry: Entry | SharedName, path: Path, message: string): void {
    const { origin } = this.#offer
    const text = 'text' in entry ? entry.text : ''
    const place = new SharedPlace(entry, text, 'origin' in entry ? entry.origin : origin)
    place.report(entry.name === '' ? [entry.kind, ...path] : [entry.kind, 0, ...path], message)
    this.#rejected.set(entry.key, [...(this.#rejected.get(entry.key) ?? []), ...place.problems])
  }

  /** Back to the form that serves, or to none. */
  #giveUp(slot: Slot): void {
    this.#serve(this.#offer.slots.get(slot.key)!, this.#good(slot.key))
    this.#again = true
  }

  #has(upstream: string): boolean {
    const { file, slots } = this.#offer
    return file.upstreams.has(upstream) || (slots.get(`upstreams/${upstream}`)?.serves ?? null) !== null
  }

  *#checkMentions(): Work<void> {
    for (const user of this.#users(this.#hasLost('upstreams'))) {
      for (const mention of user.item.mentions) if (!this.#has(mention.name)) this.#mend(user, mention)
      yield
    }
  }

  #mend(user: User, mention: Mention): void {
    const { name } = mention
    const key = `upstreams/${name}`
    const good = this.#good(key)
    const slot = this.#offer.slots.get(key)
    if (good !== null && slot !== undefined && !this.#offer.file.upstreams.has(name)) {
      if (slot.entry === null)
        this.#reject(good, [], `it is deleted, but ${nameOf(user)} needs it: its last good form serves as long`)
      this.#giveUp(slot)
      return
    }
    const missing =
      (slot?.entry ?? null) === null
        ? `there is no upstream "${name}"${this.#known(name)}`
        : `upstream "${name}" is rejected itself`
    this.#blame(
      user,
      mention,
      missing,
      `there is no upstream "${name}" any more, but ${nameOf(user)} names it`,
      'upstreams',
    )
  }

  /** `gone`: what is wrong when the user is an item that serves: then the file has taken away what it needs. */
  #blame(user: User, mention: Mention, message: string, gone: string, fileKey: string): void {
    const { slot, item, path } = user
    if (slot === null) this.#reportFile([...path, ...mention.path], message)
    else if (item === this.#good(slot.key)?.item) this.#reportFile([fileKey], gone)
    else {
      this.#reject(slot.serves!, mention.path, message)
      this.#giveUp(slot)
    }
  }

  #reportFile(path: Path, message: string): void {
    const { document } = this.#offer.file
    this.#fileProblems.push({ file: document.file, ...document.at(path), key: dotted(path), message })
  }

  *#checkCircles(): Work<void> {
    const { file, fileBefore, slots } = this.#offer
    if (file === fileBefore && ![...this.#changed].some((key) => key.startsWith('upstreams/'))) return
    const after = (name: string): string | undefined =>
      (file.upstreams.get(name) ?? slots.get(`upstreams/${name}`)?.serves?.item)?.mentions[0]?.name
    const done = new Set<string>()
    for (const { item, path } of this.#users(true)) {
      yield
      const name = path[1] as string
      if (path[0] !== 'upstreams' || item.mentions.length === 0 || done.has(name)) continue
      const way: string[] = []
      let at: string | undefined = name
      while (at !== undefined && !done.has(at)) {
        done.add(at)
        way.push(at)
        at = after(at)
      }
      const circle = at === undefined ? [] : way.slice(way.includes(at) ? way.indexOf(at) : way.length)
      if (circle.length > 0) this.#breakCircle(circle)
    }
  }

  #breakCircle(circle: readonly string[]): void {
    const { file, slots } = this.#offer
    const from = (i: number): string => [...circle.slice(i), ...circle.slice(0, i), circle[i]].join(' -> ')
    for (const [i, name] of circle.entries()) {
      const message = `fallbacks go round in a circle: ${from(i)}`
      const slot = slots.get(`upstreams/${name}`)
      if (file.upstreams.has(name)) this.#reportFile(['upstreams', name, 'fallback', 'upstream'], message)
      else if (slot !== undefined && slot.serves !== null && slot.serves.item !== this.#good(slot.key)?.item) {
        this.#reject(slot.serves, ['fallback', 'upstream'], message)
        this.#giveUp(slot)
      }
    }
  }

  /** `on` for a plugin that cannot do without options: some layer must bring them. */
  *#checkSwitches(): Work<void> {
    const { file, slots } = this.#offer
    const layers = [file.plugins, file.paths, slots.get('plugins')?.serves?.item, slots.get('paths')?.serves?.item]
    const isBrought = (plugin: string): boolean => layers.some((layer) => layer?.brings.has(plugin) === true)
    for (const user of this.#users(this.#changed.has('plugins') || this.#changed.has('paths'))) {
      for (const mention of user.item.switchedOn) if (!isBrought(mention.name)) this.#mendSwitch(user, mention)
      yield
    }
  }

  #mendSwitch(user: User, mention: Mention): void {
    for (const key of ['plugins', 'paths'] as const) {
      const good = this.#good(key)
      const slot = this.#offer.slots.get(key)
      if (slot === undefined || good?.item?.brings.has(mention.name) !== true || !this.#changed.has(key)) continue
      if (this.#offer.file[key] !== null) continue
      const message = `it brings no options for plugin "${mention.name}" any more, but ${nameOf(user)} switches it on`
      this.#reject(slot.entry ?? good, [], message)
      return this.#giveUp(slot)
    }
    const message = `plugin "${mention.name}" has required options, and nothing that this could switch on again`
    this.#blame(
      user,
      mention,
      message,
      `no options for plugin "${mention.name}" any more, but ${nameOf(user)} switches it on`,
      'plugins',
    )
  }

  #hasLost(kind: 'upstreams'): boolean {
    for (const key of this.#changed) {
      if (!key.startsWith(`${kind}/`)) continue
      if (this.#good(key) !== null && !this.#has(key.slice(kind.length + 1))) return true
    }
    return false
  }

  /** Items of the file and shared ones; unless `all`, only those that have changed. */
  *#users(all: boolean): Generator<User> {
    const { file, fileBefore, slots } = this.#offer
    const every = all || file !== fileBefore
    if (every) yield* fileUsers(file)
    for (const slot of every ? [...slots.values()] : [...this.#changed].map((key) => slots.get(key)!)) {
      const { kind, name, key, serves } = slots.get(slot.key)!
      if (serves === null || serves.item === null) continue
      yield { slot: { kind, name, key, serves, entry: slot.entry }, item: serves.item, path: [kind, name] }
    }
  }

  #known(name: string): string {
    const { file, slots } = this.#offer
    const names = [...file.upstreams.keys()]
    for (const { kind, name: other, serves } of slots.values()) {
      if (names.length >= MOST_CANDIDATES) break
      if (kind === 'upstreams' && serves !== null) names.push(other)
    }
    const near = didYouMean(name, names.slice(0, MOST_CANDIDATES))
    if (near !== '' || names.length === 0) return near
    return `; known: ${names.slice(0, MOST_NAMES).join(', ')}${names.length > MOST_NAMES ? ' and more' : ''}`
  }
}

function* fileUsers(file: FilePart): Generator<User> {
  for (const [i, item] of file.routes.entries()) yield { slot: null, item, path: ['routes', i] }
  for (const [name, item] of file.upstreams) yield { slot: null, item, path: ['upstreams', name] }
  if (file.plugins !== null) yield { slot: null, item: file.plugins, path: ['plugins'] }
  if (file.paths !== null) yield { slot: null, item: file.paths, path: ['paths'] }
}

function nameOf({ slot, path }: User): string {
  return slot === null ? `${dotted(path)} of the file` : slot.serves!.origin + slot.key
}

/** What a name that is in the file as well gets; '' when it is not. */
export function clashWith({ kind, name }: SharedName, file: FilePart): string {
  if (kind === 'routes') return file.routeNames.has(name) ? `the file has a route "${name}" too, which serves` : ''
  if (kind === 'upstreams')
    return file.upstreams.has(name) ? `the file has an upstream "${name}" too, which serves` : ''
  return file[kind] === null ? '' : `the file has ${kind} too, which hold; they can be in one place only`
}
