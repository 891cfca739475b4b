// A JSON body with the values at some paths replaced. Everything else is copied as it is, byte for byte.
import { BodyRefused, type BodyTransform, type ErrorKind } from '../../src/contract/plugin.ts'
import { JsonKey } from './json-key.ts'
import { JsonScanner, type JsonListener } from './json-scanner.ts'
import type { MaskedPaths, PathState } from './masked-paths.ts'

/** No value is masked at this depth. */
const NOT_MASKING = -1

export interface JsonMaskOptions {
  readonly paths: MaskedPaths
  /** Instead of a masked value: JSON. */
  readonly replacement: Uint8Array
  readonly maxDepth: number
  /** What a body that is not JSON is refused with. */
  readonly malformed: ErrorKind
}

export class JsonMask implements BodyTransform, JsonListener {
  readonly #options: JsonMaskOptions
  readonly #scanner: JsonScanner
  readonly #key: JsonKey
  /** States of the objects and arrays that are open, and of the value that began last. */
  readonly #open: PathState[]
  readonly #elements: number[]
  #state: PathState
  #depth = 0
  #maskedAt = NOT_MASKING
  #keyWanted = false
  /** Nothing more is masked from here on. */
  #passing = false
  /** The chunk, from where it was not copied, and what was. */
  #bytes: Uint8Array = NOTHING
  #from = 0
  #out: Uint8Array[] = []

  constructor(options: JsonMaskOptions) {
    this.#options = options
    this.#scanner = new JsonScanner(this, options.maxDepth)
    this.#key = new JsonKey(options.paths.longestKey)
    this.#state = options.paths.root
    this.#open = [options.paths.root]
    this.#elements = [0]
  }

  chunk(bytes: Uint8Array): Uint8Array | null {
    this.#bytes = bytes
    this.#from = 0
    const fault = this.#scanner.read(bytes)
    if (fault !== '') throw new BodyRefused(this.#options.malformed, fault)
    if (this.#maskedAt === NOT_MASKING) this.#copy(bytes.length)
    return this.#taken()
  }

  end(): null {
    const fault = this.#scanner.end()
    if (fault !== '') throw new BodyRefused(this.#options.malformed, fault)
    return null
  }

  /** A value that is being masked is masked to its end; those that begin later are not. */
  pass(): null {
    this.#passing = true
    return null
  }

  value(at: number, array: boolean): void {
    const parent = this.#open[this.#depth]!
    if (array) this.#state = this.#element(parent)
    else if (this.#depth > 0) this.#state = this.#member(parent)
    if (!this.#state.masked || this.#maskedAt !== NOT_MASKING || this.#passing) return
    this.#copy(at)
    this.#out.push(this.#options.replacement)
    this.#maskedAt = this.#depth
  }

  valueEnd(at: number): void {
    if (this.#maskedAt !== this.#depth) return
    this.#maskedAt = NOT_MASKING
    this.#from = at
  }

  open(): void {
    this.#depth++
    this.#open[this.#depth] = this.#state
    this.#elements[this.#depth] = 0
  }

  close(): void {
    this.#depth--
  }

  keyStart(): void {
    this.#keyWanted = this.#open[this.#depth]!.named.size > 0
    if (this.#keyWanted) this.#key.clear()
  }

  keyByte(byte: number): void {
    if (this.#keyWanted) this.#key.byte(byte)
  }

  keyUnit(unit: number): void {
    if (this.#keyWanted) this.#key.unit(unit)
  }

  #member(parent: PathState): PathState {
    if (!this.#keyWanted) return parent.others
    const key = this.#key.text()
    return key === null ? parent.others : (parent.named.get(key) ?? parent.others)
  }

  /** An element is named by its index, from 0. */
  #element(parent: PathState): PathState {
    const index = this.#elements[this.#depth]!++
    return parent.named.size === 0 ? parent.others : (parent.named.get(String(index)) ?? parent.others)
  }

  #copy(to: number): void {
    if (to > this.#from) this.#out.push(this.#bytes.subarray(this.#from, to))
  }

  #taken(): Uint8Array | null {
    const out = this.#out
    this.#bytes = NOTHING
    if (out.length === 0) return null
    this.#out = []
    return out.length === 1 ? out[0]! : Buffer.concat(out)
  }
}

const NOTHING = new Uint8Array(0)
