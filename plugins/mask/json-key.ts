// The key of a member, unescaped while it streams, as far as it can still be one that a path names.

export class JsonKey {
  readonly #bytes: Buffer
  #length = 0
  /** First half of a surrogate pair (RFC 8259 section 7) that waits for its second; 0: none. */
  #half = 0

  /** `longest`: keys of more bytes are told only to be longer. */
  constructor(longest: number) {
    this.#bytes = Buffer.alloc(longest)
  }

  clear(): void {
    this.#length = 0
    this.#half = 0
  }

  /** A byte that stands for itself. */
  byte(byte: number): void {
    if (this.#half !== 0) this.#flush()
    this.#push(byte)
  }

  /** A UTF-16 code unit that was written as an escape. */
  unit(unit: number): void {
    if (this.#half !== 0 && unit >= 0xdc00 && unit <= 0xdfff) {
      const point = 0x10000 + ((this.#half - 0xd800) << 10) + (unit - 0xdc00)
      this.#half = 0
      this.#push(0xf0 | (point >> 18))
      this.#push(0x80 | ((point >> 12) & 0x3f))
      this.#push(0x80 | ((point >> 6) & 0x3f))
      this.#push(0x80 | (point & 0x3f))
      return
    }
    if (this.#half !== 0) this.#flush()
    if (unit >= 0xd800 && unit <= 0xdbff) this.#half = unit
    else this.#encode(unit)
  }

  /** The bytes as latin1; null when the key is longer than any that is named. */
  text(): string | null {
    if (this.#half !== 0) this.#flush()
    return this.#length > this.#bytes.length ? null : this.#bytes.toString('latin1', 0, this.#length)
  }

  /** Half a pair alone is no character; its bytes equal those of no name. */
  #flush(): void {
    const half = this.#half
    this.#half = 0
    this.#encode(half)
  }

  #encode(unit: number): void {
    if (unit < 0x80) this.#push(unit)
    else if (unit < 0x800) {
      this.#push(0xc0 | (unit >> 6))
      this.#push(0x80 | (unit & 0x3f))
    } else {
      this.#push(0xe0 | (unit >> 12))
      this.#push(0x80 | ((unit >> 6) & 0x3f))
      this.#push(0x80 | (unit & 0x3f))
    }
  }

  #push(byte: number): void {
    if (this.#length < this.#bytes.length) this.#bytes[this.#length] = byte
    this.#length++
  }
}
