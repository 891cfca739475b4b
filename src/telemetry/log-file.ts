// The file descriptor behind a destination: standard output, standard error or a file that is opened when it is needed.
import { close, constants, fstatSync, open, write, writeSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'

const STANDARD: Readonly<Record<string, number>> = { stdout: 1, stderr: 2 }
/** A named pipe must not hold up a thread of the pool until somebody reads. */
const APPEND = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NONBLOCK
/** Access logs hold addresses of people: they are for the owner and his group. */
const MODE = 0o640
/** Bytes that the kernel never takes in part (Linux, pipe(7)). */
const PIPE_BUF = 4096
const NEWLINE = 10

export class LogFile {
  readonly #path: string
  readonly #standard: boolean
  readonly #shared: boolean
  /** A full pipe takes the beginning of a write: then lines of other processes would come between. */
  #tears = false
  #descriptor = -1

  /** `stdout`, `stderr` or a path. Nothing is opened yet. `shared`: other processes write there too. */
  constructor(name: string, shared = false) {
    this.#shared = shared
    this.#path = name
    this.#standard = Object.hasOwn(STANDARD, name)
  }

  get isOpen(): boolean {
    return this.#descriptor >= 0
  }

  /** Can it be opened again, because it has a name? */
  get named(): boolean {
    return !this.#standard
  }

  /** Opens it, again if it is open: then the old descriptor stays until the new one is there. Rejects as the system does. */
  async open(): Promise<void> {
    if (this.#standard) {
      this.#take(nonBlocking(STANDARD[this.#path]!))
      return
    }
    await mkdir(dirname(this.#path), { recursive: true })
    const descriptor = await new Promise<number>((resolve, reject) => {
      open(this.#path, APPEND, MODE, (error, opened) => (error === null ? resolve(opened) : reject(error)))
    })
    this.close()
    this.#take(descriptor)
  }

  #take(descriptor: number): void {
    this.#descriptor = descriptor
    if (!this.#shared) return
    const status = fstatSync(descriptor)
    this.#tears = status.isFIFO() || status.isSocket()
  }

  write(bytes: Uint8Array, from: number, done: (error: NodeJS.ErrnoException | null, written: number) => void): void {
    const end = this.#tears ? endOfWholeLines(bytes, from) : bytes.byteLength
    write(this.#descriptor, bytes, from, end - from, null, done)
  }

  /** For the last moment of the process. Throws as the system does. */
  writeNow(bytes: Uint8Array, from: number): number {
    if (!this.isOpen) {
      if (!this.#standard) return 0
      this.#descriptor = nonBlocking(STANDARD[this.#path]!)
    }
    return writeSync(this.#descriptor, bytes, from)
  }

  close(): void {
    const descriptor = this.#descriptor
    this.#descriptor = -1
    if (descriptor >= 0 && !this.#standard) close(descriptor, () => {})
  }
}

/** Whole lines of at most PIPE_BUF bytes go into a pipe at once or not at all; a longer line goes alone. */
function endOfWholeLines(bytes: Uint8Array, from: number): number {
  if (bytes.byteLength - from <= PIPE_BUF) return bytes.byteLength
  const last = bytes.lastIndexOf(NEWLINE, from + PIPE_BUF - 1)
  if (last >= from) return last + 1
  const next = bytes.indexOf(NEWLINE, from)
  return next < 0 ? bytes.byteLength : next + 1
}

// A write into a pipe that nobody empties would hold up a thread of the pool for ever, and with it the end of the
// process. Node makes pipes and sockets non-blocking when it wraps them in its own stream, and restores them at the end.
function nonBlocking(descriptor: number): number {
  const status = fstatSync(descriptor)
  if (status.isFIFO() || status.isSocket()) void (descriptor === 1 ? process.stdout : process.stderr)
  return descriptor
}
