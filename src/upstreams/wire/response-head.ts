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
import { CR, LF } from './bytes.ts'

/** Bytes and fields that a new head has room for; both grow. */
const INITIAL_BYTES = 1024
const INITIAL_FIELDS = 32
const OFFSETS = 4
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
  /** What Connection says; empty if nothing. */
  connection = ''
  /** Seconds of `Keep-Alive: timeout`; -1 if absent. */
  keepAlive = -1
  #bytes = Buffer.allocUnsafeSlow(INITIAL_BYTES)
  #end = 0
  #lines = new Int32Array(INITIAL_FIELDS * OFFSETS)
  #fields = 0
  #date = ''
  /** Handed out last: replies of one upstream are often equally long, and a view costs 100 bytes of heap. */
  #view: Uint8Array = NOTHING

  start(): void {
    this.status = 0
    this.minor = 1
    this.length = -1
    this.chunked = false
    this.connection = ''
    this.keepAlive = -1
    this.#end = 0
    this.#fields = 0
    this.#date = ''
  }

  /** `200 OK`, from the status line. Without a reason the usual one is put in. */
  takeStatus(from: Uint8Array, start: number, end: number): void {
    if (end - start > 4) this.#copy(from, start, end)
    else this.#append(statusLine(this.status))
  }

  /** A field that the client may see: `start` is its name, `colon` ends it, [value, end) is the value, trimmed. */
  takeField(from: Uint8Array, start: number, colon: number, value: number, end: number): void {
    const at = this.#newLine()
    this.#copy(from, start, end)
    this.#index(at, at + colon - start, at + value - start)
  }

  takeDate(from: Uint8Array, value: number, end: number): void {
    if (end - value <= LONGEST_DATE) this.#date = latin1(from, value, end)
  }

  /** All is read: the fields that Connection names go. */
  finish(): void {
    if (this.connection === '') return
    for (const name of namesInConnection(this.connection)) this.#remove(name)
  }

  copyTo(headers: HeaderList): void {
    for (let i = 0; i < this.#fields * OFFSETS; i += OFFSETS) {
      const lines = this.#lines
      const name = latin1(this.#bytes, lines[i]!, lines[i + 1]!).toLowerCase()
      headers.push(name, latin1(this.#bytes, lines[i + 2]!, lines[i + 3]!))
    }
    if (this.#date !== '') headers.push('date', this.#date)
  }

  block(edits: HeaderEdits): Uint8Array {
    if (edits.length > 0) this.#apply(edits)
    if (this.#view.length !== this.#end) this.#view = this.#bytes.subarray(0, this.#end)
    return this.#view
  }

  // They stay: whoever takes the head apart later sees what the client got.
  #apply(edits: HeaderEdits): void {
    for (let i = 0; i < edits.length; i++) {
      const operation = edits.operations[i]
      const name = edits.names[i]!
      if (operation !== ADD) this.#remove(name)
      if (operation === REMOVE || name === 'date') continue // uWS writes the Date
      const value = edits.values[i]!
      const at = this.#newLine()
      this.#append(name)
      this.#append(': ')
      this.#append(value)
      this.#index(at, at + name.length, at + name.length + 2)
    }
    edits.clear()
  }

  #remove(name: string): void {
    const lines = this.#lines
    for (let i = 0; i < this.#fields * OFFSETS;) {
      const start = lines[i]!
      const end = lines[i + 3]!
      if (lines[i + 1]! - start !== name.length || !this.#names(start, name)) {
        i += OFFSETS
        continue
      }
      // The line with the CRLF before it is cut out, and what follows moves up.
      const gap = end - start + 2
      this.#bytes.copyWithin(start - 2, end, this.#end)
      lines.copyWithin(i, i + OFFSETS, this.#fields * OFFSETS)
      this.#fields--
      this.#end -= gap
      for (let k = i; k < this.#fields * OFFSETS; k++) lines[k]! -= gap
    }
    if (name === 'date') this.#date = ''
  }

  #names(at: number, name: string): boolean {
    const bytes = this.#bytes
    for (let i = 0; i < name.length; i++) {
      const byte = bytes[at + i]!
      const lower = byte >= UPPER_A && byte <= UPPER_Z ? byte | 0x20 : byte
      if (lower !== name.charCodeAt(i)) return false
    }
    return true
  }

  #newLine(): number {
    this.#reserve(2)
    this.#bytes[this.#end] = CR
    this.#bytes[this.#end + 1] = LF
    this.#end += 2
    return this.#end
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
    lines[at + 3] = this.#end
    this.#fields++
  }

  // A loop: for the few dozen bytes of a line it is cheaper than a call into C++.
  #copy(from: Uint8Array, start: number, end: number): void {
    this.#reserve(end - start)
    const bytes = this.#bytes
    let at = this.#end
    for (let i = start; i < end; i++) bytes[at++] = from[i]!
    this.#end = at
  }

  #append(text: string): void {
    this.#reserve(text.length)
    const bytes = this.#bytes
    const at = this.#end
    for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i)
    this.#end = at + text.length
  }

  #reserve(more: number): void {
    if (this.#end + more <= this.#bytes.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.#end + more))
    this.#bytes.copy(larger, 0, 0, this.#end)
    this.#bytes = larger
    this.#view = NOTHING
  }
}

const UPPER_A = 65
const UPPER_Z = 90

function latin1(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.prototype.latin1Slice.call(bytes, start, end)
}
