// Tells that something in some directories has changed. Directories are watched, not files: editors rename over files,
// Kubernetes swaps the `..data` link, and a watch on an inode would miss both.
import { watch, type FSWatcher } from 'node:fs'

/** Writers are given this long (ms) to finish: one save often makes several events. */
const DEBOUNCE = 50

export class DirectoryWatch {
  readonly #changed: () => void
  readonly #failed: (error: Error) => void
  readonly #watchers = new Map<string, FSWatcher>()
  #timer: NodeJS.Timeout | null = null
  #closed = false

  /** `changed` is called in a later turn, once for events that come close together. */
  constructor(changed: () => void, failed: (error: Error) => void) {
    this.#changed = changed
    this.#failed = failed
  }

  /** Watches these and no others. True: one of them was not watched before. Throws when one cannot be watched. */
  set(directories: Iterable<string>): boolean {
    if (this.#closed) return false
    let isNew = false
    const wanted = new Set(directories)
    for (const [directory, watcher] of this.#watchers) {
      if (wanted.has(directory)) continue
      watcher.close()
      this.#watchers.delete(directory)
    }
    for (const directory of wanted) {
      if (this.#watchers.has(directory)) continue
      isNew = true
      const watcher = watch(directory, { persistent: false }, () => this.schedule())
      watcher.on('error', (error) => {
        // A directory that was removed and made again is watched anew when `set` comes next.
        watcher.close()
        this.#watchers.delete(directory)
        this.#failed(error)
      })
      this.#watchers.set(directory, watcher)
    }
    return isNew
  }

  /** As if something had changed. */
  schedule(): void {
    if (this.#closed) return
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = setTimeout(this.#changed, DEBOUNCE)
    this.#timer.unref()
  }

  close(): void {
    this.#closed = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    for (const watcher of this.#watchers.values()) watcher.close()
    this.#watchers.clear()
  }
}
