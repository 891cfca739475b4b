// The file of a gateway and what a shared store holds beside it -> one valid configuration. What has not changed is not
// validated again and stays the same objects, so that those who compile and ship it see what they need not do.
import { assemble, type State } from './assembly.ts'
import { parseDocument, type ConfigDocument, type Environment } from './document.ts'
import { readFilePart, type FilePart } from './file-part.ts'
import { isCurrent } from './item.ts'
import { LARGE, parseLargeDocument } from './large-document.ts'
import { lint } from './lint/lint.ts'
import type { Moves } from './moves.ts'
import { inOrder, type Problem } from './problem.ts'
import { clashWith, Resolution, type RejectedItem } from './resolution.ts'
import { Slots, type Slot } from './slots.ts'
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
/** Unchanged items between two looks at the clock. */
const STRIDE = 512
/** Keys that mean nothing and are told one by one. */
const MOST_UNKNOWN = 20

interface Made {
  readonly state: State
  /** What served then; let go once this one serves, or each would keep all that were before it. */
  over: State | null
  readonly moves: readonly Moves[]
}

export class ConfigLoader {
  #serving: State | null = null
  /** What was loaded last, whether it serves or not. */
  #latest: Pick<State, 'reader' | 'file' | 'slots'> | null = null
  readonly #states = new WeakMap<ValidConfig, Made>()
  #document: { readonly text: string; readonly env: Environment; readonly document: ConfigDocument } | null = null

  /** The same text is not parsed again. Never rejects: what is wrong is in `problems`. */
  async parse(text: string, file: string, env: Environment): Promise<ConfigDocument> {
    const known = this.#document
    if (known !== null && known.text === text && known.env === env && known.document.file === file)
      return known.document
    const document = await (text.length < LARGE ? parseDocument(text, file, env) : parseLargeDocument(text, file, env))
    this.#document = { text, env, document }
    return document
  }

  /** A problem in the file refuses everything; one in a shared item leaves that item in its last good form. */
  async load(input: LoadInput): Promise<LoadResult> {
    for (;;) {
      const serving = this.#serving
      const result = await inSlices(this.#load(input))
      // What it was compared with may have changed in between two slices.
      if (serving === this.#serving) return result
    }
  }

  loadAtOnce(input: LoadInput): LoadResult {
    return atOnce(this.#load(input))
  }

  /** What is valid in it and yet hardly meant. */
  async lint(config: ValidConfig): Promise<readonly Problem[]> {
    const made = this.#states.get(config)
    return made === undefined ? [] : inSlices(lint(made.state))
  }

  /** This configuration serves now: its items are the last good ones. Throws when another one was committed since it was loaded. */
  commit(config: ValidConfig): void {
    const made = this.#states.get(config)
    if (made === undefined) throw new Error('this loader has not loaded that configuration')
    if (made.state === this.#serving) return
    if (made.over !== this.#serving) throw new Error('another configuration was committed since this one was loaded')
    const { state } = made
    made.over = null
    this.#serving = state
    state.slots.settle()
    for (const moves of made.moves) moves.apply()
  }

  /**
   * A plugin refused items of `config` (of what was loaded last) when they were compiled. True: all of these problems lie in shared
   * items that do not serve yet; they are taken as bad until their text changes: load again.
   */
  refuse(problems: readonly Problem[], config?: ValidConfig): boolean {
    const slots = (config === undefined ? undefined : this.#states.get(config)?.state.slots) ?? this.#latest?.slots
    const byFile = new Map<string, Entry>()
    for (const { serves } of slots?.values() ?? []) if (serves !== null) byFile.set(serves.origin + serves.key, serves)
    const refused = problems.map(({ file }) => byFile.get(file))
    // With new plugins what serves is read anew: it is the same text then, and another item.
    const serves = ({ key, item, text }: Entry): boolean => {
      const good = this.#serving?.slots.get(key)?.serves ?? null
      return good !== null && (good.item === item || good.text === text)
    }
    if (problems.length === 0 || refused.some((entry) => entry === undefined || serves(entry))) return false
    for (const [i, entry] of refused.entries()) entry!.refusals = [...entry!.refusals, problems[i]!]
    return true
  }

  /** What plugins have refused is offered to them again with the next load: it may have been for what is around them, as a file. */
  pardon(): void {
    for (const { entry } of this.#serving?.slots.values() ?? []) if (entry !== null) entry.refusals = []
  }

  *#load({ document, shared, plugins }: LoadInput): Work<LoadResult> {
    const serving = this.#serving
    const latest = this.#latest
    const reader = [serving?.reader, latest?.reader].find((known) => known?.knows(plugins)) ?? new ToggleReader(plugins)
    const file = yield* this.#file(document, reader, shared !== null)
    const { slots: before, problems: lost } = yield* refreshed(serving, reader)
    if (lost.length > 0) return { ok: false, problems: inOrder([...file.problems, ...lost]) }
    const slots = before.over()
    const origin = shared?.origin ?? ''
    const { touched, unknown } = yield* this.#offer(shared, slots, reader)
    this.#latest = { reader, file, slots }
    if (file !== serving?.file)
      for (const slot of slots.values()) if (clashWith(slot, file) !== '') touched.add(slot.key)
    const resolution = new Resolution({ origin, file, fileBefore: serving?.file ?? null, before, slots, touched })
    yield* resolution.run()
    const problems = [...file.problems, ...resolution.fileProblems]
    if (problems.length > 0) return { ok: false, problems: inOrder(problems) }
    const { rejected, changed } = resolution
    const moves = [file.moves]
    for (const key of touched) {
      const { entry, serves } = slots.get(key)!
      if (serves !== null) moves.push(serves.moves)
      else if (entry === null) slots.delete(key)
    }
    const state = assemble(serving?.reader === reader ? serving : null, { reader, file, slots, changed, rejected })
    this.#states.set(state.config, { state, over: serving, moves })
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
    slots: Slots,
    reader: ToggleReader,
  ): Work<{ touched: Set<string>; unknown: string[] }> {
    const { origin, items } = shared ?? { origin: '', items: new Map<string, string>() }
    const touched = new Set(this.#serving?.rejected)
    const unknown: string[] = []
    const fresh: Slot[] = []
    let present = 0
    let looked = 0
    // Mostly both are in the same order: then nothing has to be looked up.
    const inStep = slots.values()[Symbol.iterator]()
    for (const [key, text] of items) {
      if (++looked % STRIDE === 0) yield
      const next = inStep.next().value as Slot | undefined
      const slot = next?.key === key ? next : slots.get(key)
      const entry = slot?.entry ?? null
      if (entry !== null && entry.text === text && entry.origin === origin) {
        present++
        continue
      }
      const name = sharedName(key)
      if (name === null) {
        if (!RESERVED.test(key)) unknown.push(key)
        continue
      }
      present++
      touched.add(key)
      fresh.push({ ...name, entry: this.#entry(name, text, origin, reader), serves: slot?.serves ?? null })
      yield
    }
    for (const slot of fresh) slots.set(slot)
    if (slots.size > present) {
      for (const slot of slots.values()) {
        if (items.has(slot.key)) continue
        touched.add(slot.key)
        slots.set({ ...slot, entry: null })
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
function* refreshed(serving: State | null, reader: ToggleReader): Work<{ slots: Slots; problems: readonly Problem[] }> {
  if (serving === null) return { slots: Slots.of([]), problems: [] }
  if (serving.reader === reader) return { slots: serving.slots, problems: [] }
  const problems: Problem[] = []
  const slots: Slot[] = []
  const again = (entry: Entry): Entry =>
    entry.item !== null && isCurrent(entry.item, reader.plugins)
      ? entry
      : readEntry(entry, entry.text, entry.origin, reader, null)
  for (const slot of serving.slots.values()) {
    const entry = slot.entry === null ? null : again(slot.entry)
    const serves = slot.serves === null ? null : slot.serves === slot.entry ? entry : again(slot.serves)
    if (serves !== null) problems.push(...serves.problems)
    slots.push({ ...slot, entry, serves })
    yield
  }
  return { slots: Slots.of(slots), problems }
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
