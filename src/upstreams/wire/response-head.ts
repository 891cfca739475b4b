// A reply head between the upstream's bytes and the client's: checked, filtered, and still one block.
//
//   bytes   [200 OK][CRLF name: value][CRLF name: value] ... [room for edits]
//   lines    start    start, colon, value, end  (offsets, four per field)
//
// The block is what uWS takes as it is; strings are made only when somebody asks for a field.
import { ADD, REMOVE, type HeaderEdits } from '../../base/header-edits.ts'
import type { HeaderList } from '../../base/headers.ts'
import { namesInConnection } from '../../base/hop-by-hop.ts'
import { statusLine } from '../../base/status-text.ts'
import type { ResponseHead } from '../../contract/response-head.ts'
import { ByteWriter } from './byte-writer.ts'

/** Bytes and fields that a new head has room for; both grow. */
const INITIAL_BYTES = 1024
const INITIAL_FIELDS = 32
const OFFSETS = 4
/** Bytes of a head that is kept to be compared with the next. */
const LONGEST_KEPT = 1024
/** `Date` is kept apart: uWS writes its own, node:http passes it on. */
const LONGEST_DATE = 64

const NOTHING = Buffer.alloc(0)

export class WireHead implements ResponseHead {
  status = 0
  /** HTTP minor version. */
  minor = 1
  /** Content-Length in bytes; -1 if absent. */
  length = -1
  chunked = false
  /** Connection says `close`, or `keep-alive`. */
  closes = false
  keepsAlive = false
  /** What Connection says when it says more than one of these; else ''. */
  connection = ''
  /** Seconds of `Keep-Alive: timeout`; -1 if absent. */
  keepAlive = -1
  readonly #out = new ByteWriter(INITIAL_BYTES)
  #lines = new Int32Array(INITIAL_FIELDS * OFFSETS)
  #fields = 0
  /** The head as it came, and what the block was before edits: replies of one upstream are often equal to the byte. */
  readonly #raw = Buffer.allocUnsafeSlow(LONGEST_KEPT)
  #rawLength = 0
  #parsedEnd = 0
  #parsedFields = 0
  readonly #date = Buffer.allocUnsafeSlow(LONGEST_DATE)
  #dateLength = 0
  /** Handed out last: replies of one upstream are often equally long, and a view costs 100 bytes of heap. */
  #view: Uint8Array = NOTHING

  /** Forgets the last head. */
  start(): void {
    this.#rawLength = 0
    this.status = 0
    this.minor = 1
    this.length = -1
    this.chunked = false
    this.closes = false
    this.keepsAlive = false
    this.connection = ''
    this.keepAlive = -1
    this.#out.end = 0
    this.#fields = 0
    this.#dateLength = 0
  }

  /** Keeps the bytes of the head that was read, so that an equal one need not be read again. */
  remember(bytes: Buffer, from: number, to: number): void {
    if (to - from > LONGEST_KEPT) return
    bytes.copy(this.#raw, 0, from, to)
    this.#rawLength = to - from
    this.#parsedEnd = this.#out.end
    this.#parsedFields = this.#fields
  }

  /** Do the bytes begin with the head that was read last? Then this is that head again; else 0. Returns its length. */
  repeats(bytes: Buffer, from: number, to: number): number {
    const length = this.#rawLength
    if (length === 0 || to - from < length || this.#raw.compare(bytes, from, from + length, 0, length) !== 0) return 0
    this.#out.end = this.#parsedEnd
    this.#fields = this.#parsedFields
    return length
  }

  /** `200 OK`, from the status line. Without a reason the usual one is put in. */
  takeStatus(from: Buffer, start: number, end: number): void {
    if (end - start > 4) this.#out.copy(from, start, end)
    else this.#out.text(statusLine(this.status))
  }

  /** A field that the client may see: `start` is its name, `colon` ends it, [value, end) is the value, trimmed. */
  takeField(from: Buffer, start: number, colon: number, value: number, end: number): void {
    this.#out.copy(from, start - 2, end) // with the line end before it
    const at = this.#out.end - (end - start)
    this.#index(at, at + colon - start, at + value - start)
  }

  takeDate(from: Buffer, value: number, end: number): void {
    const length = end - value
    if (length > LONGEST_DATE) return
    const date = this.#date
    for (let i = 0; i < length; i++) date[i] = from[value + i]!
    this.#dateLength = length
  }

  /** All is read: the fields that Connection names go. */
  finish(): void {
    if (this.connection === '') return
    this.closes ||= this.connection.includes('close')
    this.keepsAlive ||= this.connection.includes('keep-alive')
    for (const name of namesInConnection(this.connection)) this.#remove(name)
  }

  copyTo(headers: HeaderList): void {
    const { bytes } = this.#out
    const lines = this.#lines
    for (let i = 0; i < this.#fields * OFFSETS; i += OFFSETS) {
      const name = latin1(bytes, lines[i]!, lines[i + 1]!).toLowerCase()
      headers.push(name, latin1(bytes, lines[i + 2]!, lines[i + 3]!))
    }
    if (this.#dateLength > 0) headers.push('date', latin1(this.#date, 0, this.#dateLength))
  }

  find(name: string): string {
    const lines = this.#lines
    for (let i = 0; i < this.#fields * OFFSETS; i += OFFSETS) {
      if (lines[i + 1]! - lines[i]! !== name.length || !this.#names(lines[i]!, name)) continue
      return latin1(this.#out.bytes, lines[i + 2]!, lines[i + 3]!)
    }
    return ''
  }

  block(edits: HeaderEdits): Uint8Array {
    if (edits.length > 0) this.#apply(edits)
    const { bytes, end } = this.#out
    if (this.#view.length !== end || this.#view.buffer !== bytes.buffer) this.#view = bytes.subarray(0, end)
    return this.#view
  }

  // They stay: whoever takes the head apart later sees what the client got.
  #apply(edits: HeaderEdits): void {
    for (let i = 0; i < edits.length; i++) {
      const operation = edits.operations[i]
      const name = edits.names[i]!
      if (operation !== ADD) this.#remove(name)
      if (operation === REMOVE || name === 'date') continue // uWS writes the Date
      // Between two lines, not behind each: the last line end is the client's engine's.
      const at = this.#out.end + 2
      this.#out.lineBefore(name, edits.values[i]!)
      this.#index(at, at + name.length, at + name.length + 2)
    }
    edits.clear()
  }

  #remove(name: string): void {
    const lines = this.#lines
    const out = this.#out
    for (let i = 0; i < this.#fields * OFFSETS;) {
      const start = lines[i]!
      const end = lines[i + 3]!
      if (lines[i + 1]! - start !== name.length || !this.#names(start, name)) {
        i += OFFSETS
        continue
      }
      // The line with the CRLF before it is cut out, and what follows moves up.
      const gap = end - start + 2
      this.#rawLength = 0 // the block is no longer what was read
      out.bytes.copyWithin(start - 2, end, out.end)
      lines.copyWithin(i, i + OFFSETS, this.#fields * OFFSETS)
      this.#fields--
      out.end -= gap
      for (let k = i; k < this.#fields * OFFSETS; k++) lines[k]! -= gap
    }
    if (name === 'date') {
      this.#dateLength = 0
      this.#rawLength = 0
    }
  }

  #names(at: number, name: string): boolean {
    const { bytes } = this.#out
    for (let i = 0; i < name.length; i++) {
      const byte = bytes[at + i]!
      const lower = byte >= UPPER_A && byte <= UPPER_Z ? byte | 0x20 : byte
      if (lower !== name.charCodeAt(i)) return false
    }
    return true
  }

  #index(start: number, colon: number, value: number): void {
    const at = this.#fields * OFFSETS
    if (at === this.#lines.length) {
      const larger = new Int32Array(at * 2)
      larger.set(this.#lines)
      this.#lines = larger
    }
    const lines = this.#lines
    lines[at] = start
    lines[at + 1] = colon
    lines[at + 2] = value
    lines[at + 3] = this.#out.end
    this.#fields++
  }
}

const UPPER_A = 65
const UPPER_Z = 90

function latin1(bytes: Buffer, start: number, end: number): string {
  return bytes.toString('latin1', start, end)
}
