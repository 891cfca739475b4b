// A JSON body that is collected, within a bound, changed, and written again.
import { BodyRefused, type BodyTransform, type ErrorKind, type PluginExchange } from '../../src/contract/plugin.ts'
import type { JsonChanges } from './json-changes.ts'
import { parseJson } from './json-text.ts'

export class JsonBody implements BodyTransform {
  readonly #x: PluginExchange
  readonly #changes: JsonChanges
  readonly #limit: number
  readonly #malformed: ErrorKind
  readonly #tooLarge: ErrorKind
  #parts: Uint8Array[] = []
  #size = 0

  /** `x` is only looked at while its request is served. */
  constructor(x: PluginExchange, changes: JsonChanges, limit: number, malformed: ErrorKind, tooLarge: ErrorKind) {
    this.#x = x
    this.#changes = changes
    this.#limit = limit
    this.#malformed = malformed
    this.#tooLarge = tooLarge
  }

  chunk(bytes: Uint8Array): null {
    this.#size += bytes.length
    if (this.#size > this.#limit) throw new BodyRefused(this.#tooLarge, `At most ${this.#limit} bytes can be changed.`)
    this.#parts.push(Uint8Array.prototype.slice.call(bytes))
    return null
  }

  end(): Uint8Array | null {
    if (this.#size === 0) return null
    const bytes = Buffer.concat(this.#parts)
    this.#parts = []
    let value: unknown
    try {
      value = parseJson(bytes)
    } catch {
      throw new BodyRefused(this.#malformed, 'It is not JSON, or it is nested too deeply.')
    }
    return Buffer.from(JSON.stringify(this.#changes.apply(value, this.#x)))
  }
}
