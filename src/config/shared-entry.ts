// One item of a shared store: its text, read and validated by itself.
import { isRecord, parseDocument, type ConfigDocument, type Path } from './document.ts'
import { dotted, show } from './inspect.ts'
import { readPaths, readPlugins, readRoute, readUpstream, type Item } from './item.ts'
import { compactOffset, parseCompactJson } from './json-position.ts'
import { Moves } from './moves.ts'
import type { Problem } from './problem.ts'
import type { Place, ToggleReader } from './toggle-reader.ts'

export type SharedKind = 'routes' | 'upstreams' | 'paths' | 'plugins'

export interface SharedName {
  readonly key: string
  readonly kind: SharedKind
  /** '' for paths and plugins. */
  readonly name: string
}

/** null for a key that no item has. */
export function sharedName(key: string): SharedName | null {
  if (key === 'paths' || key === 'plugins') return { key, kind: key, name: '' }
  const slash = key.indexOf('/')
  const kind = key.slice(0, slash)
  const name = key.slice(slash + 1)
  return (kind === 'routes' || kind === 'upstreams') && name !== '' ? { key, kind, name } : null
}

export interface Entry extends SharedName {
  readonly text: string
  readonly origin: string
  /** null: it has problems of its own. */
  readonly item: Item | null
  readonly problems: readonly Problem[]
  readonly moves: Moves
  /** What plugins said of it when it was compiled: it is taken as bad until its text changes. */
  refusals: readonly Problem[]
}

/** A place in the text of one item. */
export class SharedPlace implements Place {
  readonly file: string
  readonly problems: Problem[] = []
  readonly moves = new Moves()
  readonly #name: SharedName
  readonly #text: string
  /** What JSON.stringify would write is not read as YAML. */
  readonly #compact: unknown
  #document: ConfigDocument | null = null

  constructor(name: SharedName, text: string, origin: string) {
    this.file = origin + name.key
    this.#name = name
    this.#text = text
    this.#compact = text.includes('${') ? undefined : parseCompactJson(text)
  }

  get value(): unknown {
    if (this.#compact !== undefined) return this.#compact
    this.problems.push(...this.#parsed.problems.map((problem) => ({ ...problem, key: this.#name.key })))
    return this.#parsed.value
  }

  get #parsed(): ConfigDocument {
    return (this.#document ??= parseDocument(this.#text, this.file, null))
  }

  at(path: Path, onKey = false) {
    const own = this.#own(path)
    if (this.#compact === undefined) return this.#parsed.at(own, onKey)
    return { line: 1, column: compactOffset(this.#compact, own, onKey) + 1 }
  }

  key(path: Path): string {
    return dotted([this.#name.key, ...this.#own(path)])
  }

  readonly report = (path: Path, message: string, onKey = false): void =>
    void this.problems.push({ file: this.file, ...this.at(path, onKey), key: this.key(path), message })

  moved(...move: Parameters<Moves['add']>): void {
    this.moves.add(...move)
  }

  /** `['routes', 'users', 'match']` of the configuration is `['match']` here. */
  #own(path: Path): Path {
    return path.slice(this.#name.name === '' ? 1 : 2)
  }
}

/** `before`: the form of this item that serves, if any. Never throws. */
export function readEntry(
  name: SharedName,
  text: string,
  origin: string,
  reader: ToggleReader,
  before: Item | null,
): Entry {
  const place = new SharedPlace(name, text, origin)
  const raw = place.value
  let item: Item | null = null
  if (place.problems.length === 0) {
    if (!isRecord(raw)) place.report([], `expected a mapping (key: value), saw ${show(raw)}`)
    else item = readItem(name, raw, place, reader, before)
  }
  const faultless = place.problems.length === 0
  return {
    ...name,
    text,
    origin,
    item: faultless ? item : null,
    problems: place.problems,
    moves: place.moves,
    refusals: [],
  }
}

function readItem(
  { kind, name, key }: SharedName,
  raw: Record<string, unknown>,
  place: Place,
  reader: ToggleReader,
  before: Item | null,
): Item {
  if (kind === 'upstreams') return readUpstream(name, raw, place)
  if (kind === 'plugins') return readPlugins(raw, place, reader)
  if (kind === 'paths') return readPaths(raw, place, reader, before)
  if (Object.hasOwn(raw, 'name') && raw['name'] !== name)
    place.report(['routes', 0, 'name'], `${show(raw['name'])} is not the name in the key ${key}; leave it out`)
  return readRoute({ name, ...raw }, ['routes', 0], place, reader)
}
