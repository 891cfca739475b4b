// Sums over what several workers say.

export function sum<T>(things: readonly T[], of: (thing: T) => number): number {
  return things.reduce((total, thing) => total + of(thing), 0)
}

/** 0 when there is nothing. */
export function greatest<T>(things: readonly T[], of: (thing: T) => number): number {
  return things.reduce((most, thing) => Math.max(most, of(thing)), 0)
}

/** In the order in which the names come first. */
export function grouped<T>(things: Iterable<T>, nameOf: (thing: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const thing of things) {
    const name = nameOf(thing)
    const group = groups.get(name)
    if (group === undefined) groups.set(name, [thing])
    else group.push(thing)
  }
  return groups
}
