// Configuration from a file. The directory is watched, not the file: editors rename over it, Kubernetes swaps the
// `..data` link, and a watch on an inode would miss both. What counts is the content: equal bytes are no change.
import { createHash } from 'node:crypto'
import { watch, type FSWatcher } from 'node:fs'
import { readFile, realpath } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Writers are given this long (ms) to finish: one save often makes several events. */
const DEBOUNCE = 50

export interface FileSourceEvents {
  /** The content is not what it was. Never called again before the promise has settled. */
  changed(text: string): Promise<void>
  /** The file cannot be read; the last configuration stays. */
  failed(error: Error): void
}

export class FileSource {
  readonly #file: string
  readonly #events: FileSourceEvents
  #watchers: FSWatcher[] = []
  #watched = ''
  #timer: NodeJS.Timeout | null = null
  #hash = ''
  #running: Promise<void> = Promise.resolve()
  #closed = false

  constructor(file: string, events: FileSourceEvents) {
    this.#file = file
    this.#events = events
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
    this.#schedule() // what changed between the first read and the watch
  }

  /** Reads now, whether or not anything seems to have changed. `force` reports equal content too (SIGHUP). */
  check(force = false): Promise<void> {
    this.#running = this.#running.then(() => this.#check(force))
    return this.#running
  }

  close(): void {
    this.#closed = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    for (const watcher of this.#watchers.splice(0)) watcher.close()
  }

  async #check(force: boolean): Promise<void> {
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
    await this.#events.changed(text)
  }

  /** The directory that names the file, and the one that holds it when the name is a link. */
  async #watchDirectories(): Promise<void> {
    const real = await realpath(this.#file).catch(() => this.#file)
    const directories = [...new Set([dirname(this.#file), dirname(real)])]
    const key = directories.join('\n')
    if (key === this.#watched || this.#closed) return
    for (const watcher of this.#watchers.splice(0)) watcher.close()
    this.#watchers = directories.map((directory) => {
      const watcher = watch(directory, { persistent: false }, () => this.#schedule())
      watcher.on('error', (error) => this.#events.failed(error))
      return watcher
    })
    this.#watched = key
  }

  #schedule(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.check(), DEBOUNCE)
    this.#timer.unref()
  }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
