// The paths to mask as one automaton: a state is where a value stands, a key leads from the state of an object to that of
// its value. It is built once, so that a key costs one look into a map whatever the number of paths.

/** Where a value stands. */
export interface PathState {
  /** The value is masked. */
  readonly masked: boolean
  /** State below by key, in UTF-8 read as latin1: keys are compared as bytes. */
  readonly named: ReadonlyMap<string, PathState>
  /** State below by any other key. */
  readonly others: PathState
}

export interface MaskedPaths {
  readonly root: PathState
  /** Bytes of the longest key that is named. */
  readonly longestKey: number
}

/** `**` between names multiplies states; no sensible list comes near this. */
const MOST_STATES = 4096
const ANY = { wildcard: '*' } as const
const ANY_DEPTH = { wildcard: '**' } as const

type Segment = string | typeof ANY | typeof ANY_DEPTH

/** `users.*.token`; a backslash takes the next character as it is: `a\.b` is one key. Throws TypeError on an empty name. */
export function parsePath(path: string): Segment[] {
  const segments: Segment[] = []
  let name = ''
  let escaped = false
  const close = (): void => {
    if (name === '') throw new TypeError(`path "${path}" has an empty name: write names with "." between them`)
    if (!escaped && name === '*') segments.push(ANY)
    else if (!escaped && name === '**') segments.push(ANY_DEPTH)
    else segments.push(name)
    name = ''
    escaped = false
  }
  for (let i = 0; i < path.length; i++) {
    if (path[i] === '\\') {
      if (++i === path.length) throw new TypeError(`path "${path}" ends with a backslash that escapes nothing`)
      escaped = true
      name += path[i]
    } else if (path[i] === '.') close()
    else name += path[i]
  }
  close()
  return segments
}

/** Throws TypeError on paths that cannot be read, or that multiply beyond measure. */
export function compilePaths(paths: readonly string[]): MaskedPaths {
  const builder = new Builder(paths.map(parsePath))
  return { root: builder.build(), longestKey: builder.longestKey }
}

interface Draft {
  masked: boolean
  named: Map<string, Draft>
  others: Draft
}

/** Places in the paths that a value has come to: [path, segment] as path * WIDTH + segment. */
type Places = readonly number[]
const WIDTH = 1024

class Builder {
  longestKey = 0
  readonly #paths: readonly Segment[][]
  readonly #drafts = new Map<string, Draft>()
  readonly #unfinished: { readonly places: Places; readonly draft: Draft }[] = []

  constructor(paths: readonly Segment[][]) {
    for (const path of paths) {
      if (path.length >= WIDTH) throw new TypeError(`a path has more than ${WIDTH - 1} names`)
    }
    this.#paths = paths
  }

  /** Not by recursion: the states lead into each other, and a chain of them may be long. */
  build(): PathState {
    const root = this.#draft(this.#settled(this.#paths.map((_, i) => i * WIDTH)))
    for (const { places, draft } of this.#unfinished) {
      draft.others = this.#draft(this.#after(places, null))
      for (const name of this.#namesAt(places)) {
        const bytes = Buffer.from(name)
        this.longestKey = Math.max(this.longestKey, bytes.length)
        draft.named.set(bytes.toString('latin1'), this.#draft(this.#after(places, name)))
      }
    }
    return root
  }

  /** The state of these places; a new one is put on the list of those that lead nowhere yet. */
  #draft(places: Places): Draft {
    const key = places.join()
    const known = this.#drafts.get(key)
    if (known !== undefined) return known
    if (this.#drafts.size === MOST_STATES) throw new TypeError('json: too many paths with "**": name more of each path')
    const draft: Draft = { masked: places.some((place) => this.#ends(place)), named: new Map(), others: null! }
    this.#drafts.set(key, draft)
    this.#unfinished.push({ places, draft })
    return draft
  }

  #segment(place: number): Segment | undefined {
    return this.#paths[Math.floor(place / WIDTH)]![place % WIDTH]
  }

  #ends(place: number): boolean {
    return this.#segment(place) === undefined
  }

  #namesAt(places: Places): Set<string> {
    const names = places.map((place) => this.#segment(place)).filter((segment) => typeof segment === 'string')
    return new Set(names)
  }

  /** One key further; `name` null is a key that no path names here. */
  #after(places: Places, name: string | null): Places {
    const next: number[] = []
    for (const place of places) {
      const segment = this.#segment(place)
      if (segment === ANY_DEPTH) next.push(place)
      else if (segment === ANY || (segment !== undefined && segment === name)) next.push(place + 1)
    }
    return this.#settled(next)
  }

  /** `**` may also stand for nothing. */
  #settled(places: Places): Places {
    const all = new Set(places)
    for (const place of all) if (this.#segment(place) === ANY_DEPTH) all.add(place + 1)
    return [...all].toSorted((a, b) => a - b)
  }
}
