// Methods as bits: one comparison tells whether a route takes a method, and the union of bits is an Allow header.

/** Every method, also those that no route names. */
export const ANY_METHOD = -1
/** Bit of a method that no route names: only ANY_METHOD has it. */
const UNNAMED = 1 << 31
/** Distinct methods that one configuration can name. */
const MOST_NAMED = 30

export class Methods {
  readonly #bits: Map<string, number>

  /** With the bits of `before`, so that masks of before keep their meaning. */
  constructor(before: Methods | null = null) {
    this.#bits = new Map(before === null ? [] : before.#bits)
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) this.#name(method)
  }

  /** Is there a bit for every one of them? */
  holds(methods: Iterable<string>): boolean {
    const added = [...new Set(methods)].filter((method) => !this.#bits.has(method))
    return this.#bits.size + added.length <= MOST_NAMED
  }

  #name(method: string): number {
    let bit = this.#bits.get(method)
    if (bit !== undefined) return bit
    if (this.#bits.size === MOST_NAMED) throw new RangeError(`more than ${MOST_NAMED} distinct methods`)
    bit = 1 << this.#bits.size
    this.#bits.set(method, bit)
    return bit
  }

  /** Bits that a route takes: GET brings HEAD with it. */
  mask(methods: readonly string[] | null): number {
    if (methods === null) return ANY_METHOD
    let mask = 0
    for (const method of methods) mask |= this.#name(method)
    return (mask & this.bit('GET')) === 0 ? mask : mask | this.bit('HEAD')
  }

  bit(method: string): number {
    return this.#bits.get(method) ?? UNNAMED
  }

  /** `GET, HEAD, POST` */
  list(mask: number): string {
    const names: string[] = []
    for (const [method, bit] of this.#bits) if ((mask & bit) !== 0) names.push(method)
    return names.toSorted().join(', ')
  }
}
