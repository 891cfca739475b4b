// A valid configuration under the eyes of lint: what serves, how it was written, and where.
import type { State } from '../assembly.ts'
import { isRecord, type Path } from '../document.ts'
import { dotted } from '../inspect.ts'
import type { Item } from '../item.ts'
import type { Problem } from '../problem.ts'
import { SharedPlace, type Entry } from '../shared-entry.ts'
import type { PluginSchemas } from '../toggle-reader.ts'
import type { ValidConfig } from '../valid-config.ts'

/** More help nobody. */
const MOST_WARNINGS = 500

export class Subject {
  readonly warnings: Problem[] = []
  readonly plugins: PluginSchemas
  readonly #state: State
  readonly #upstreams: ReadonlyMap<string, Entry>

  constructor(state: State) {
    this.#state = state
    this.plugins = state.reader.plugins
    this.#upstreams = new Map(state.upstreams.map((entry) => [entry.name, entry]))
  }

  get valid(): ValidConfig {
    return this.#state.config
  }

  /** May routes come and go without the file? */
  get isShared(): boolean {
    return this.#state.file.shared
  }

  warn(path: Path, message: string, onKey = false): void {
    if (this.warnings.length >= MOST_WARNINGS) return
    const entry = this.#entryOf(path)
    if (entry === null) {
      const { document } = this.#state.file
      this.warnings.push({ file: document.file, ...document.at(path, onKey), key: dotted(path), message })
      return
    }
    const place = new SharedPlace(entry, entry.text, entry.origin)
    place.report(path, message, onKey)
    this.warnings.push(...place.problems)
  }

  /** As it was written, before defaults; undefined: it was not. */
  written(path: Path): unknown {
    const [root, which] = path
    const { file, routes } = this.#state
    const entry = this.#entryOf(path)
    if (root === 'routes' && typeof which === 'number') {
      const item: Item = entry?.item ?? file.routes[which] ?? routes[which - file.routes.length]!.item!
      return memberAt(item.raw, path.slice(2))
    }
    if (entry === null) return memberAt(file.document.value, path)
    return memberAt(entry.item!.raw, path.slice(entry.name === '' ? 1 : 2))
  }

  /** Is it in the file, in so many words? */
  isLiteral(path: Path): boolean {
    return this.#entryOf(path) === null && !this.#state.file.document.isVariable(path)
  }

  /** null: it is in the file. */
  #entryOf([root, which]: Path): Entry | null {
    const { file, routes, slots } = this.#state
    let entry: Entry | null = null
    if (root === 'routes' && typeof which === 'number') entry = routes[which - file.routes.length] ?? null
    else if (root === 'upstreams' && !file.upstreams.has(String(which)))
      entry = this.#upstreams.get(String(which)) ?? null
    else if ((root === 'paths' || root === 'plugins') && file[root] === null) entry = slots.get(root)?.serves ?? null
    // The text may be newer than the item, whose comments alone have changed.
    return entry === null ? null : (slots.get(entry.key)?.serves ?? entry)
  }
}

function memberAt(root: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (at, step) => (Array.isArray(at) ? (at as unknown[])[Number(step)] : isRecord(at) ? at[step] : undefined),
    root,
  )
}
