// Configuration from a file. What counts is the content: equal bytes are no change.
import { createHash } from 'node:crypto'
import { readFile, realpath } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DirectoryWatch } from './directory-watch.ts'

export interface FileSourceEvents {
  /** The content is not what it was, or `check` was forced for the reason `why`. Never called again before the promise has settled. */
  changed(text: string, why: string): Promise<void>
  /** The file cannot be read; the last configuration stays. */
  failed(error: Error): void
}

export class FileSource {
  readonly #file: string
  readonly #events: FileSourceEvents
  readonly #watch: DirectoryWatch
  #hash = ''
  #running: Promise<void> = Promise.resolve()
  #closed = false

  constructor(file: string, events: FileSourceEvents) {
    this.#file = file
    this.#events = events
    this.#watch = new DirectoryWatch(
      () => void this.check(),
      (error) => events.failed(error),
    )
  }

  /** Reads the file for the first time. Rejects when it cannot be read. */
  async read(): Promise<string> {
    const text = await readFile(this.#file, 'utf8')
    this.#hash = hashOf(text)
    return text
  }

  /** Watches until `close`. */
  async watch(): Promise<void> {
    await this.#watchDirectories()
    this.#watch.schedule() // what changed between the first read and the watch
  }

  /** Reads now, whether or not anything seems to have changed. `force` reports equal content too (SIGHUP). */
  check(force = false, why = ''): Promise<void> {
    this.#running = this.#running.then(() => this.#check(force, why))
    return this.#running
  }

  /** The file has this text now, as the caller has written it: dealt with as a change, and not noticed again. */
  adopt(text: string): Promise<void> {
    this.#running = this.#running.then(async () => {
      this.#hash = hashOf(text)
      await this.#events.changed(text, 'admin')
    })
    return this.#running
  }

  /** The file has, or will have, this text again, which serves: nothing has changed then. */
  expect(text: string): void {
    this.#hash = hashOf(text)
  }

  close(): void {
    this.#closed = true
    this.#watch.close()
  }

  async #check(force: boolean, why: string): Promise<void> {
    if (this.#closed) return
    let text: string
    try {
      // A link may lead elsewhere now.
      await this.#watchDirectories()
      text = await readFile(this.#file, 'utf8')
    } catch (error) {
      this.#events.failed(error as Error)
      return
    }
    const hash = hashOf(text)
    if (hash === this.#hash && !force) return
    this.#hash = hash
    await this.#events.changed(text, why)
  }

  /** The directory that names the file, and the one that holds it when the name is a link. */
  async #watchDirectories(): Promise<void> {
    const real = await realpath(this.#file).catch(() => this.#file)
    this.#watch.set([dirname(this.#file), dirname(real)])
  }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
