// Bytes that came before somebody wanted them. A few MiB wait in memory, the rest in a file that has no name.
//
// Why a file at all: uWS pauses a socket, but goes on reading it as long as every read fills its buffer of 512 KiB. A
// client that sends as fast as memory can be copied keeps it in that loop, and a whole upload arrives at once.
// nginx buffers request bodies in files for the same reason, and by default.
import { closeSync, ftruncateSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Bytes of one body that wait in memory before the file is begun. */
const IN_MEMORY = 4 * 1024 * 1024
/** Bytes that are read from the file at a time. */
const PIECE = 256 * 1024

/** First in, first out. Synchronous, as its callers must be: it is meant for the rare burst, not for every body. */
export class Backlog {
  #blocks: Uint8Array[] = []
  #inMemory = 0
  #file = -1
  #written = 0
  #read = 0

  get empty(): boolean {
    return this.#blocks.length === 0 && this.#read === this.#written
  }

  /** Bytes that wait. */
  get size(): number {
    return this.#inMemory + this.#written - this.#read
  }

  /** Keeps a copy. Throws the error of the file system when the disk is full. */
  push(bytes: Uint8Array): void {
    if (this.#written === this.#read && this.#inMemory + bytes.byteLength <= IN_MEMORY) {
      this.#blocks.push(Uint8Array.prototype.slice.call(bytes))
      this.#inMemory += bytes.byteLength
      return
    }
    if (this.#file < 0) this.#file = openNameless()
    for (let at = 0; at < bytes.byteLength;) {
      at += writeSync(this.#file, bytes, at, bytes.byteLength - at, this.#written + at)
    }
    this.#written += bytes.byteLength
  }

  /** The oldest bytes, to be used before anything else is called; null when there are none. */
  shift(): Uint8Array | null {
    const block = this.#blocks.shift()
    if (block !== undefined) {
      this.#inMemory -= block.byteLength
      return block
    }
    if (this.#read === this.#written) return null
    const piece = Buffer.allocUnsafe(Math.min(PIECE, this.#written - this.#read))
    const length = readSync(this.#file, piece, 0, piece.length, this.#read)
    this.#read += length
    if (this.#read === this.#written) {
      ftruncateSync(this.#file, 0)
      this.#read = 0
      this.#written = 0
    }
    return piece.subarray(0, length)
  }

  /** Forgets everything and gives the file back. */
  clear(): void {
    if (this.#blocks.length > 0) this.#blocks = []
    this.#inMemory = 0
    this.#read = 0
    this.#written = 0
    if (this.#file >= 0) closeSync(this.#file)
    this.#file = -1
  }
}

/** A file that is gone as soon as it is closed, also when the process ends by surprise. */
function openNameless(): number {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-'))
  try {
    return openSync(join(directory, 'body'), 'wx+', 0o600)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
