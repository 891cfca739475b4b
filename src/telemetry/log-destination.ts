// Writes the lines of a ring to a file descriptor in the background, one write at a time. It never blocks and never
// throws: what cannot be written is kept and tried again after growing pauses, and what the ring then has no room for
// is counted.
import { performance } from 'node:perf_hooks'
import { now } from '../base/clock.ts'
import { growingDelay } from '../base/growing-delay.ts'
import type { LogCounts } from './log-counts.ts'
import { LogFile } from './log-file.ts'
import { LEVELS, WARN } from './log-level.ts'
import { LogRing, type LogBatch, type LogBounds } from './log-ring.ts'

/** The longest that a line waits for others (ms), and how many lines do not wait. */
const FLUSH_INTERVAL = 100
const FLUSH_ENTRIES = 512
/** ms between writes of lines that should not wait: a flood of them must not become a flood of writes. */
const SOON_INTERVAL = 10
/** Most of one write. */
const BATCH_ENTRIES = 2048
const BATCH_BYTES = 512 * 1024
/** Pauses (ms) before another try: a full pipe is emptied soon, a full disk is not. */
const BUSY_PAUSE = [1, 50] as const
const BROKEN_PAUSE = [50, 5000] as const
/** ms between two lines about lost lines. */
const NOTICE_INTERVAL = 10_000
const NEWLINE = 10

const NO_LINES: LogBatch = { lines: [], levels: new Uint8Array(0) }

export class LogDestination {
  readonly #file: LogFile
  readonly #ring: LogRing
  readonly #counts: LogCounts
  readonly #broken: (error: Error) => void
  #batch: LogBatch = NO_LINES
  #bytes: Uint8Array = new Uint8Array(0)
  /** Bytes of the batch that are written. */
  #offset = 0
  /** The file is being opened or written. */
  #running = false
  #writing = false
  /** What is in the ring is to be written without waiting for more. */
  #due = false
  #reopen = false
  #closing = false
  #closed = false
  #failures = 0
  #timer: NodeJS.Timeout | null = null
  /** ms that the timer waits in all. */
  #wait = 0
  /** Monotonic ms. */
  #wroteAt = -Infinity
  #retry: NodeJS.Timeout | null = null
  #idle: (() => void)[] = []
  /** Lines dropped that a line has told of, and when (monotonic ms). */
  #told = 0
  #toldAt = -Infinity

  /**
   * `name`: stdout, stderr or a path; nothing is opened before the first line. `counts` are of this destination alone.
   * `broken` is told of the first failure of each outage; a reader that is only slow is none. `shared`: other processes
   * write there too.
   */
  constructor(
    name: string,
    bounds: LogBounds,
    counts: LogCounts,
    broken: (error: Error) => void = () => {},
    shared = false,
  ) {
    this.#file = new LogFile(name, shared)
    this.#ring = new LogRing(bounds, counts)
    this.#counts = counts
    this.#broken = broken
  }

  set bounds(bounds: LogBounds) {
    this.#ring.bounds = bounds
  }

  /** `line` ends with a newline. `soon`: it does not wait for others. */
  write(level: number, line: string, soon: boolean): void {
    if (this.#closed) {
      this.#counts.add('dropped', level)
      return
    }
    this.#ring.push(level, line)
    if (this.#closing || this.#ring.size >= FLUSH_ENTRIES) this.#flush()
    else if (!soon && level < WARN) this.#arm(FLUSH_INTERVAL)
    else if (now() - this.#wroteAt >= SOON_INTERVAL) this.#flush()
    else this.#arm(SOON_INTERVAL)
  }

  /** Opens the file of that name anew, after it was renamed. Standard output stays what it is. */
  reopen(): void {
    this.#reopen = this.#file.named && this.#file.isOpen
    this.#tryNow()
  }

  /** Resolves when all lines are written, or `limit` ms are over; then what is left is counted as dropped. */
  async close(limit: number): Promise<void> {
    this.#closing = true
    const written = new Promise<void>((resolve) => this.#idle.push(resolve))
    let timer!: NodeJS.Timeout
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, limit)))
    this.#tryNow()
    await Promise.race([written, late])
    clearTimeout(timer)
    this.#closed = true
    if (this.#retry !== null) clearTimeout(this.#retry)
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#dropRest()
    if (!this.#running) this.#file.close()
  }

  /** For the end of the process, when nothing can be awaited any more: one try for each batch. */
  writeNow(): void {
    try {
      // A write that is under way ends by itself: its lines come before or after these, but they come.
      if (this.#writing && !this.#load()) return
      while (this.#batch.lines.length > 0 || this.#load()) {
        this.#offset += this.#file.writeNow(this.#bytes, this.#offset)
        if (this.#offset < this.#bytes.byteLength) return
        this.#settle('written')
      }
    } catch {
      // Nobody is left to tell.
    }
  }

  #flush(): void {
    this.#due = true
    this.#pump()
  }

  #arm(wait: number): void {
    if (this.#retry !== null || (this.#timer !== null && this.#wait <= wait)) return
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#wait = wait
    this.#timer = setTimeout(() => {
      this.#timer = null
      this.#flush()
    }, wait)
    this.#timer.unref()
  }

  #tryNow(): void {
    if (this.#retry !== null) clearTimeout(this.#retry)
    this.#retry = null
    this.#failures = 0
    this.#flush()
  }

  #pump(): void {
    if (this.#closed || this.#running || this.#retry !== null) return
    const nothing = this.#batch.lines.length === 0 && !(this.#due && this.#load())
    if (nothing && !this.#reopen) {
      for (const resolve of this.#idle.splice(0)) resolve()
      return
    }
    this.#running = true
    if (this.#reopen || !this.#file.isOpen) void this.#open()
    else {
      this.#wroteAt = now()
      this.#writing = true
      this.#file.write(this.#bytes, this.#offset, this.#onWritten)
    }
  }

  /** Takes the next lines from the ring. */
  #load(): boolean {
    this.#notice()
    const batch = this.#ring.take(BATCH_ENTRIES, BATCH_BYTES)
    this.#due = this.#ring.size > 0
    if (batch.lines.length === 0) return false
    this.#batch = batch
    this.#bytes = Buffer.from(batch.lines.join(''))
    this.#offset = 0
    return true
  }

  async #open(): Promise<void> {
    try {
      await this.#file.open()
      if (this.#reopen) this.#startAtLine()
      this.#reopen = false
    } catch (error) {
      // While the new file cannot be had the old one goes on.
      if (!this.#reopen) {
        this.#failed(error as NodeJS.ErrnoException)
        return
      }
      this.#reopen = false
      this.#broken(error as Error)
    }
    this.#running = false
    if (this.#closed) this.#file.close()
    this.#pump()
  }

  /** The new file must not begin with the rest of a line whose beginning is in the old one. */
  #startAtLine(): void {
    if (this.#offset === 0 || this.#bytes[this.#offset - 1] === NEWLINE) return
    const end = this.#bytes.indexOf(NEWLINE, this.#offset)
    this.#offset = end < 0 ? this.#bytes.byteLength : end + 1
    if (this.#offset === this.#bytes.byteLength) this.#settle('written')
  }

  readonly #onWritten = (error: NodeJS.ErrnoException | null, written: number): void => {
    this.#writing = false
    if (error !== null) {
      this.#failed(error)
      return
    }
    this.#running = false
    if (this.#closed) {
      this.#file.close()
      return
    }
    this.#failures = 0
    this.#offset += written
    if (this.#offset === this.#bytes.byteLength) this.#settle('written')
    this.#pump()
    if (this.#ring.size > 0 && !this.#running) this.#arm(SOON_INTERVAL)
  }

  #failed(error: NodeJS.ErrnoException): void {
    this.#running = false
    if (this.#closed) {
      this.#file.close()
      return
    }
    if (this.#failures === 0 && error.code !== 'EAGAIN') this.#broken(error)
    const [first, most] = error.code === 'EAGAIN' ? BUSY_PAUSE : BROKEN_PAUSE
    this.#retry = setTimeout(
      () => {
        this.#retry = null
        this.#pump()
      },
      growingDelay(++this.#failures, first, most),
    )
    this.#retry.unref()
  }

  /** The batch is over. */
  #settle(result: 'written' | 'dropped'): void {
    for (const level of this.#batch.levels) this.#counts.add(result, level)
    this.#batch = NO_LINES
    this.#bytes = new Uint8Array(0)
    this.#offset = 0
  }

  #dropRest(): void {
    this.#settle('dropped')
    while (this.#ring.size > 0) {
      this.#batch = this.#ring.take(BATCH_ENTRIES, BATCH_BYTES)
      this.#settle('dropped')
    }
  }

  /** A line about lines that were lost, where they are missing. */
  #notice(): void {
    const lost = this.#counts.total('dropped')
    const time = performance.now()
    if (lost === this.#told || (time - this.#toldAt < NOTICE_INTERVAL && !this.#closing)) return
    this.#toldAt = time
    const dropped = Object.fromEntries(LEVELS.map((level, i) => [level, this.#counts.of('dropped', i)]))
    const line = { level: 'warn', timestamp: new Date().toISOString(), service: 'sluice', dropped }
    this.#ring.push(WARN, JSON.stringify({ ...line, msg: 'log entries were lost' }) + '\n')
    this.#told = this.#counts.total('dropped')
  }
}
