// An immutable map of texts in the order of their keys, made for maps of ten thousand of which one changes at a time: a new
// one shares all but the chunk in which the change lies.
//
//   #chunks   [ a..f ] [ g..m ] [ n..z ]      each sorted, never changed once it is made
//                 |       |'       |          a change of `h` makes one new chunk and a new list of chunks

interface Chunk {
  readonly keys: readonly string[]
  readonly texts: readonly string[]
}

/** Entries of a chunk that is made anew; one that has grown to twice as many is split. */
const CHUNK = 64

/** Texts that go are null. */
export type TextChanges = ReadonlyMap<string, string | null>

export class SortedTexts implements ReadonlyMap<string, string> {
  static readonly EMPTY = new SortedTexts([], 0)
  readonly size: number
  readonly #chunks: readonly Chunk[]

  private constructor(chunks: readonly Chunk[], size: number) {
    this.#chunks = chunks
    this.size = size
  }

  static from(entries: Iterable<readonly [string, string]>): SortedTexts {
    if (entries instanceof SortedTexts) return entries
    const map = new Map(entries)
    const keys = [...map.keys()].toSorted(inOrder)
    return new SortedTexts(split({ keys, texts: keys.map((key) => map.get(key)!) }), keys.length)
  }

  /** This one with some texts changed; itself when nothing is different. */
  with(changes: TextChanges): SortedTexts {
    const keys = [...changes.keys()].filter((key) => (changes.get(key) ?? undefined) !== this.get(key))
    if (keys.length === 0) return this
    keys.sort(inOrder)
    const chunks: Chunk[] = []
    const before = this.#chunks.length === 0 ? [{ keys: [], texts: [] }] : this.#chunks
    let [at, size] = [0, 0]
    for (const [i, chunk] of before.entries()) {
      const from = at
      const next = before[i + 1]?.keys[0]
      if (next === undefined) at = keys.length
      else while (at < keys.length && keys[at]! < next) at++
      const made = at === from ? [chunk] : split(merged(chunk, keys.slice(from, at), changes))
      for (const one of made) {
        chunks.push(one)
        size += one.keys.length
      }
    }
    return new SortedTexts(chunks, size)
  }

  /** What must be changed in `before` to have this one. Costs what differs, where the two share chunks. */
  changesSince(before: SortedTexts): Map<string, string | null> {
    const changes = new Map<string, string | null>()
    const [own, others] = [new Set(this.#chunks), new Set(before.#chunks)]
    for (const { keys } of before.#chunks.filter((chunk) => !own.has(chunk)))
      for (const key of keys) if (!this.has(key)) changes.set(key, null)
    for (const { keys, texts } of this.#chunks.filter((chunk) => !others.has(chunk)))
      for (const [i, key] of keys.entries()) if (before.get(key) !== texts[i]) changes.set(key, texts[i]!)
    return changes
  }

  equals(other: SortedTexts): boolean {
    return other === this || (other.size === this.size && this.changesSince(other).size === 0)
  }

  get(key: string): string | undefined {
    const chunk = this.#chunks[lastNotAbove(this.#chunks.length, key, (i) => this.#chunks[i]!.keys[0]!)]
    if (chunk === undefined) return undefined
    const at = lastNotAbove(chunk.keys.length, key, (i) => chunk.keys[i]!)
    return chunk.keys[at] === key ? chunk.texts[at] : undefined
  }

  has(key: string): boolean {
    return this.get(key) !== undefined
  }

  forEach(receive: (text: string, key: string, map: ReadonlyMap<string, string>) => void): void {
    for (const [key, text] of this) receive(text, key, this)
  }

  *entries(): MapIterator<[string, string]> {
    for (const { keys, texts } of this.#chunks) for (const [i, key] of keys.entries()) yield [key, texts[i]!]
  }

  *keys(): MapIterator<string> {
    for (const { keys } of this.#chunks) yield* keys
  }

  *values(): MapIterator<string> {
    for (const { texts } of this.#chunks) yield* texts
  }

  [Symbol.iterator](): MapIterator<[string, string]> {
    return this.entries()
  }
}

function inOrder(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** The last of `count` sorted keys that is not above `key`; -1 when all are. */
function lastNotAbove(count: number, key: string, keyAt: (i: number) => string): number {
  let [low, high] = [0, count]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (keyAt(middle) <= key) low = middle + 1
    else high = middle
  }
  return low - 1
}

/** `changed` is sorted. */
function merged(chunk: Chunk, changed: readonly string[], changes: TextChanges): Chunk {
  const [keys, texts]: [string[], string[]] = [[], []]
  const push = (key: string, text: string | null): void => {
    if (text === null) return
    keys.push(key)
    texts.push(text)
  }
  let at = 0
  for (const [i, key] of chunk.keys.entries()) {
    while (at < changed.length && changed[at]! < key) push(changed[at]!, changes.get(changed[at++]!)!)
    if (changed[at] === key) push(key, changes.get(changed[at++]!)!)
    else push(key, chunk.texts[i]!)
  }
  while (at < changed.length) push(changed[at]!, changes.get(changed[at++]!)!)
  return { keys, texts }
}

/** None for no entries. */
function split(chunk: Chunk): Chunk[] {
  const { keys, texts } = chunk
  if (keys.length === 0) return []
  if (keys.length <= 2 * CHUNK) return [chunk]
  return Array.from({ length: Math.ceil(keys.length / CHUNK) }, (_, i) => ({
    keys: keys.slice(i * CHUNK, (i + 1) * CHUNK),
    texts: texts.slice(i * CHUNK, (i + 1) * CHUNK),
  }))
}
