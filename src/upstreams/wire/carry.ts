// Bytes that must outlive the read that brought them: of a head that is not complete, or behind a pause.
const NOTHING = Buffer.alloc(0)

export class Carry {
  length = 0
  #bytes: Buffer = NOTHING

  append(bytes: Uint8Array, from: number, to: number): void {
    const length = this.length + to - from
    if (length > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(length, this.#bytes.length * 2))
      this.#bytes.copy(larger, 0, 0, this.length)
      this.#bytes = larger
    }
    this.#bytes.set(bytes.subarray(from, to), this.length)
    this.length = length
  }

  /** The bytes; nothing is kept. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.length)
    this.length = 0
    this.#bytes = NOTHING
    return taken
  }
}
