// What has changed between two lists of which most is the same. Entries are compared by identity: whoever makes the next
// version of a configuration keeps the objects that have not changed.
//
//   base   a b c d e        next   a b X d e        pieces   from 0 count 2 | add [X] | from 3 count 2

/** A run of the base, or entries that it has not. */
export type Piece = { readonly from: number; readonly count: number } | { readonly add: readonly unknown[] }

/** The pieces that make `next` of `base`, in order. */
export function diffSequence(base: readonly unknown[], next: readonly unknown[]): Piece[] {
  const shorter = Math.min(base.length, next.length)
  let first = 0
  while (first < shorter && base[first] === next[first]) first++
  let same = 0
  while (same < shorter - first && base[base.length - 1 - same] === next[next.length - 1 - same]) same++
  const pieces: Piece[] = []
  if (first > 0) pieces.push({ from: 0, count: first })
  pieces.push(...between(base, next, first, same))
  if (same > 0) pieces.push({ from: base.length - same, count: same })
  return pieces
}

/** What lies between the first entries and the last ones, which are the same. */
function between(base: readonly unknown[], next: readonly unknown[], first: number, same: number): Piece[] {
  const places = new Map<unknown, number>()
  for (let i = first; i < base.length - same; i++) places.set(base[i], i)
  const pieces: Piece[] = []
  let added: unknown[] = []
  let run = { from: 0, count: 0 }
  const endRun = (): void => {
    if (run.count > 0) pieces.push(run)
    run = { from: 0, count: 0 }
  }
  const endAdded = (): void => {
    if (added.length > 0) pieces.push({ add: added })
    added = []
  }
  for (let i = first; i < next.length - same; i++) {
    const place = places.get(next[i])
    if (place === undefined) {
      endRun()
      added.push(next[i])
      continue
    }
    endAdded()
    if (run.count > 0 && run.from + run.count === place) run.count++
    else {
      endRun()
      run = { from: place, count: 1 }
    }
  }
  endRun()
  endAdded()
  return pieces
}

/** Adds what the pieces stand for to the end of `list`. */
export function appendPieces(list: unknown[], base: readonly unknown[], pieces: readonly Piece[]): void {
  for (const piece of pieces) {
    if ('add' in piece) for (const entry of piece.add) list.push(entry)
    else for (let i = piece.from; i < piece.from + piece.count; i++) list.push(base[i])
  }
}

/** The same pieces, put together so that none of the parts adds more than `most` entries. */
export function* slicePieces(pieces: readonly Piece[], most: number): Generator<Piece[]> {
  let slice: Piece[] = []
  let added = 0
  for (const piece of pieces) {
    if (!('add' in piece)) {
      slice.push(piece)
      continue
    }
    for (let i = 0; i < piece.add.length;) {
      const part = piece.add.slice(i, i + most - added)
      slice.push({ add: part })
      added += part.length
      i += part.length
      if (added < most) continue
      yield slice
      slice = []
      added = 0
    }
  }
  if (slice.length > 0) yield slice
}
