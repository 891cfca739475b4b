// Lines of one level, first in, first out, each with its place in the order of all levels.
//
//            head            head + size
//              v               v
//   |   |   |  a |  b |  c |   |   |      positions are masked: the arrays are rings
//
const FIRST_CAPACITY = 64

export class LineQueue {
  size = 0
  /** Of all lines. */
  bytes = 0
  #head = 0
  #mask = FIRST_CAPACITY - 1
  #lines = Array.from({ length: FIRST_CAPACITY }, () => '')
  #bytes = new Float64Array(FIRST_CAPACITY)
  #order = new Float64Array(FIRST_CAPACITY)

  push(line: string, bytes: number, order: number): void {
    if (this.size > this.#mask) this.#grow()
    const at = (this.#head + this.size) & this.#mask
    this.#lines[at] = line
    this.#bytes[at] = bytes
    this.#order[at] = order
    this.size++
    this.bytes += bytes
  }

  /** Place of the oldest line; Infinity without one. */
  get firstOrder(): number {
    return this.size === 0 ? Infinity : this.#order[this.#head]!
  }

  get firstBytes(): number {
    return this.#bytes[this.#head]!
  }

  /** Takes the oldest line. */
  shift(): string {
    const at = this.#head
    const line = this.#lines[at]!
    this.#lines[at] = '' // the text must not live longer than its place in the queue
    this.#head = (at + 1) & this.#mask
    this.size--
    this.bytes -= this.#bytes[at]!
    return line
  }

  #grow(): void {
    const capacity = (this.#mask + 1) * 2
    const lines = Array.from({ length: capacity }, () => '')
    const bytes = new Float64Array(capacity)
    const order = new Float64Array(capacity)
    for (let i = 0; i < this.size; i++) {
      const at = (this.#head + i) & this.#mask
      lines[i] = this.#lines[at]!
      bytes[i] = this.#bytes[at]!
      order[i] = this.#order[at]!
    }
    this.#lines = lines
    this.#bytes = bytes
    this.#order = order
    this.#mask = capacity - 1
    this.#head = 0
  }
}
