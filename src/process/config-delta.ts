// How a configuration travels to a worker: only what has changed since the one that the worker has, in slices that hold
// its event loop for a moment each. What has not changed is, in the worker too, the same object as before.
import { deserialize, serialize } from 'node:v8'
import type { ValidConfig } from '../config/load.ts'
import type { Toggle } from '../config/toggles.ts'
import { LISTS, putTogether, takeApart, type ConfigParts, type ListName, type Lists } from './config-parts.ts'
import { appendPieces, diffSequence, slicePieces, type Piece } from './sequence.ts'

/** Entries of one slice: 256 routes with their options are read in about 2 ms (bench/process/ship.ts). */
const SLICE = 256

interface ListSlice {
  readonly list: ListName
  readonly pieces: readonly Piece[]
}

/** What comes last: all that is no list. */
interface Tail {
  readonly changed: Readonly<Record<string, unknown>>
  readonly gone: readonly string[]
  /** null: they are what they were. */
  readonly global: readonly Toggle[] | null
  readonly present: readonly string[]
  /** Options of plugins that are only switched on, for those that can do without. */
  readonly defaults: Readonly<Record<string, unknown>>
}

/** Slices to be read one after the other; between two of them others have their turn. */
export async function encodeConfig(
  base: ValidConfig | null,
  next: ValidConfig,
  plugins: Iterable<string>,
): Promise<Uint8Array[]> {
  const before = takeApart(base)
  const now = takeApart(next)
  const slices: Uint8Array[] = []
  for (const list of LISTS) {
    for (const pieces of slicePieces(diffSequence(before.lists[list], now.lists[list]), SLICE)) {
      if (slices.length > 0) await new Promise((resolve) => setImmediate(resolve))
      slices.push(serialize({ list, pieces } satisfies ListSlice))
    }
  }
  slices.push(serialize(tailOf(before, now, next, plugins)))
  return slices
}

function tailOf(before: ConfigParts, now: ConfigParts, next: ValidConfig, plugins: Iterable<string>): Tail {
  const changed = Object.entries(now.rest).filter(([key, value]) => before.rest[key] !== value)
  return {
    changed: Object.fromEntries(changed),
    gone: Object.keys(before.rest).filter((key) => !Object.hasOwn(now.rest, key)),
    global: before.global === now.global ? null : now.global,
    present: now.present,
    defaults: Object.fromEntries([...plugins].map((plugin) => [plugin, next.defaults(plugin)])),
  }
}

/** Puts the slices together again. */
export class ConfigReader {
  readonly #base: ValidConfig | null
  readonly #before: ConfigParts
  readonly #lists = Object.fromEntries(LISTS.map((name) => [name, [] as unknown[]])) as Record<ListName, unknown[]>

  /** `base`: the configuration that this end has, and from which the other end has made the slices. */
  constructor(base: ValidConfig | null) {
    this.#base = base
    this.#before = takeApart(base)
  }

  /** All but the last. */
  read(slice: Uint8Array): void {
    const { list, pieces } = deserialize(slice) as ListSlice
    deepFreeze(pieces)
    appendPieces(this.#lists[list], this.#before.lists[list], pieces)
  }

  /** The last one. */
  finish(slice: Uint8Array): ValidConfig {
    const { changed, gone, global, present, defaults } = deepFreeze(deserialize(slice) as Tail)
    const kept = Object.entries(this.#before.rest).filter(([key]) => !gone.includes(key))
    const parts: ConfigParts = {
      lists: this.#unchangedKept(),
      rest: { ...Object.fromEntries(kept), ...changed },
      global: global ?? this.#before.global,
      present,
    }
    return putTogether(parts, this.#defaults(defaults))
  }

  /** A list of which nothing has changed is the same list: who compiles looks no further then. */
  #unchangedKept(): Lists {
    const kept = LISTS.map((name): [ListName, readonly unknown[]] => {
      const [before, now] = [this.#before.lists[name], this.#lists[name]]
      return [name, before.length === now.length && now.every((entry, i) => entry === before[i]) ? before : now]
    })
    return Object.fromEntries(kept) as unknown as Lists
  }

  /** The same function while it answers the same: who compiles may go by that. */
  #defaults(table: Readonly<Record<string, unknown>>): ValidConfig['defaults'] {
    const kept = this.#base === null ? undefined : TABLES.get(this.#base.defaults)
    const text = JSON.stringify(table)
    if (kept === text) return this.#base!.defaults
    const defaults = (plugin: string): unknown => (Object.hasOwn(table, plugin) ? table[plugin] : undefined)
    TABLES.set(defaults, text)
    return defaults
  }
}

/** What such a function answers from, as text. */
const TABLES = new WeakMap<ValidConfig['defaults'], string>()

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const entry of Object.values(value)) deepFreeze(entry)
  }
  return value
}
