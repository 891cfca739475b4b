// The file of a gateway and what a shared store holds beside it -> one valid configuration. What has not changed is not
// validated again and stays the same objects, so that those who compile and ship it see what they need not do.
import { assemble, type State } from './assembly.ts'
import { parseDocument, type ConfigDocument, type Environment } from './document.ts'
import { readFilePart, type FilePart } from './file-part.ts'
import { isCurrent } from './item.ts'
import { inOrder, type Problem } from './problem.ts'
import { clashWith, Resolution, type RejectedItem, type Slot } from './resolution.ts'
import { readEntry, sharedName, type Entry, type SharedName } from './shared-entry.ts'
import { ToggleReader, type PluginSchemas } from './toggle-reader.ts'
import type { ValidConfig } from './valid-config.ts'
import { atOnce, inSlices, type Work } from './work.ts'

export type { RejectedItem } from './resolution.ts'

/** `routes/NAME`, `upstreams/NAME`, `paths`, `plugins` -> YAML or JSON text of that item. */
export type SharedItems = ReadonlyMap<string, string>

export interface SharedConfig {
  /** Put before a key where problems are told: `etcd:/sluice/edge/`. */
  readonly origin: string
  readonly items: SharedItems
}

export interface LoadInput {
  readonly document: ConfigDocument
  readonly shared: SharedConfig | null
  readonly plugins: PluginSchemas
}

export type LoadResult =
  | {
      readonly ok: true
      readonly config: ValidConfig
      readonly rejected: readonly RejectedItem[]
      /** What is odd about the store: keys that mean nothing. */
      readonly warnings: readonly Problem[]
    }
  | { readonly ok: false; readonly problems: readonly Problem[] }

/** What the store may hold beside items; none of them concerns the configuration. */
const RESERVED = /^(?:commit|lock|(?:status|instances)\/.*)$/s
/** Keys that mean nothing and are told one by one. */
const MOST_UNKNOWN = 20

export class ConfigLoader {
  #serving: State | null = null
  /** What was loaded last, whether it serves or not. */
  #latest: Pick<State, 'reader' | 'file' | 'slots'> | null = null
  readonly #states = new WeakMap<ValidConfig, State>()
  #document: { readonly text: string; readonly env: Environment; readonly document: ConfigDocument } | null = null

  /** The same text is not parsed again. Never rejects: what is wrong is in `problems`. */
  async parse(text: string, file: string, env: Environment): Promise<ConfigDocument> {
    const known = this.#document
    if (known !== null && known.text === text && known.env === env && known.document.file === file)
      return known.document
    const document = parseDocument(text, file, env)
    this.#document = { text, env, document }
    return document
  }

  /** A problem in the file refuses everything; one in a shared item leaves that item in its last good form. */
  load(input: LoadInput): Promise<LoadResult> {
    return inSlices(this.#load(input))
  }

  loadAtOnce(input: LoadInput): LoadResult {
    return atOnce(this.#load(input))
  }

  /** This configuration serves now: its items are the last good ones. */
  commit(config: ValidConfig): void {
    const state = this.#states.get(config)
    if (state === undefined || state === this.#serving) return
    this.#serving = state
    state.file.moves.apply()
    for (const slot of state.slots.values()) slot.serves?.moves.apply()
  }

  /**
   * A plugin refused items when they were compiled. True: all of these problems lie in shared items that did not serve before;
   * they are taken as bad until their text changes: load again.
   */
  refuse(problems: readonly Problem[]): boolean {
    const byFile = new Map<string, Entry>()
    for (const { entry } of this.#latest?.slots.values() ?? [])
      if (entry !== null) byFile.set(entry.origin + entry.key, entry)
    const refused = problems.map(({ file }) => byFile.get(file))
    const serves = (entry: Entry): boolean => this.#serving?.slots.get(entry.key)?.serves?.item === entry.item
    if (problems.length === 0 || refused.some((entry) => entry === undefined || serves(entry))) return false
    for (const [i, entry] of refused.entries()) entry!.refusals = [...entry!.refusals, problems[i]!]
    return true
  }

  *#load({ document, shared, plugins }: LoadInput): Work<LoadResult> {
    const serving = this.#serving
    const latest = this.#latest
    const reader = [serving?.reader, latest?.reader].find((known) => known?.knows(plugins)) ?? new ToggleReader(plugins)
    const file = yield* this.#file(document, reader, shared !== null)
    const { slots: before, problems: lost } = yield* refreshed(serving, reader)
    const slots = new Map(before)
    const origin = shared?.origin ?? ''
    const { touched, unknown } = yield* this.#offer(shared, slots, reader)
    this.#latest = { reader, file, slots }
    if (file !== serving?.file) for (const [key, slot] of slots) if (clashWith(slot, file) !== '') touched.add(key)
    const resolution = new Resolution({ origin, file, fileBefore: serving?.file ?? null, before, slots, touched })
    yield* resolution.run()
    const problems = [...file.problems, ...lost, ...resolution.fileProblems]
    if (problems.length > 0) return { ok: false, problems: inOrder(problems) }
    const { rejected, changed } = resolution
    for (const key of touched) {
      const { entry, serves } = slots.get(key)!
      if (entry === null && serves === null) slots.delete(key)
    }
    const state = assemble(serving?.reader === reader ? serving : null, { reader, file, slots, changed, rejected })
    this.#states.set(state.config, state)
    return { ok: true, config: state.config, rejected, warnings: unknownKeys(unknown, origin) }
  }

  *#file(document: ConfigDocument, reader: ToggleReader, shared: boolean): Work<FilePart> {
    for (const known of [this.#serving, this.#latest])
      if (known?.file.document === document && known.reader === reader && known.file.shared === shared)
        return known.file
    return yield* readFilePart(document, reader, this.#serving?.file ?? null, shared)
  }

  /** Puts what is offered into `slots`. */
  *#offer(
    shared: SharedConfig | null,
    slots: Map<string, Slot>,
    reader: ToggleReader,
  ): Work<{ touched: Set<string>; unknown: string[] }> {
    const { origin, items } = shared ?? { origin: '', items: new Map<string, string>() }
    const touched = new Set(this.#serving?.rejected)
    const unknown: string[] = []
    let unchanged = 0
    for (const [key, text] of items) {
      const slot = slots.get(key)
      const entry = slot?.entry ?? null
      if (entry !== null && entry.text === text && entry.origin === origin) {
        unchanged++
        continue
      }
      const name = sharedName(key)
      if (name === null) {
        if (!RESERVED.test(key)) unknown.push(key)
        continue
      }
      unchanged++
      touched.add(key)
      slots.set(key, { ...name, entry: this.#entry(name, text, origin, reader), serves: slot?.serves ?? null })
      yield
    }
    if (slots.size > unchanged) {
      for (const [key, slot] of slots) {
        if (items.has(key)) continue
        touched.add(key)
        slots.set(key, { ...slot, entry: null })
      }
    }
    return { touched, unknown }
  }

  #entry(name: SharedName, text: string, origin: string, reader: ToggleReader): Entry {
    const known = this.#latest?.slots.get(name.key)?.entry ?? null
    const isKnown = known !== null && known.text === text && known.origin === origin
    if (isKnown && this.#latest!.reader === reader) return known
    return readEntry(name, text, origin, reader, this.#serving?.slots.get(name.key)?.serves?.item ?? null)
  }
}

/**
 * What serves, with these plugins: items that name plugins which have changed are read anew. Those that do not hold any more are
 * problems of the plugins, since the items themselves are as they were.
 */
function* refreshed(
  serving: State | null,
  reader: ToggleReader,
): Work<{ slots: ReadonlyMap<string, Slot>; problems: readonly Problem[] }> {
  if (serving === null) return { slots: new Map(), problems: [] }
  if (serving.reader === reader) return { slots: serving.slots, problems: [] }
  const problems: Problem[] = []
  const slots = new Map<string, Slot>()
  const again = (entry: Entry): Entry =>
    entry.item !== null && isCurrent(entry.item, reader.plugins)
      ? entry
      : readEntry(entry, entry.text, entry.origin, reader, null)
  for (const [key, slot] of serving.slots) {
    const entry = slot.entry === null ? null : again(slot.entry)
    const serves = slot.serves === null ? null : slot.serves === slot.entry ? entry : again(slot.serves)
    if (serves !== null) problems.push(...serves.problems)
    slots.set(key, { ...slot, entry, serves })
    yield
  }
  return { slots, problems }
}

function unknownKeys(keys: readonly string[], origin: string): Problem[] {
  return keys.slice(0, MOST_UNKNOWN).map((key) => ({
    file: origin + key,
    line: 1,
    column: 1,
    key,
    message: 'no item has such a key; expected routes/NAME, upstreams/NAME, paths or plugins',
  }))
}
