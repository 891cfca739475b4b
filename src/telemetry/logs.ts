// All logs of a process: the gateway's own, those that plugins open, where they go, and which entries are kept.
import { now } from '../base/clock.ts'
import { LogCounts } from './log-counts.ts'
import { LogDestination } from './log-destination.ts'
import { levelIndex, type LogLevel } from './log-level.ts'
import { DEFAULT_BOUNDS, type LogBounds } from './log-ring.ts'
import { draw, LogSampler, type SamplingRules } from './log-sampling.ts'
import { createLogger, type LogFields, type Logger, type LogThreshold } from './logger.ts'

/** A log of somebody's own. */
export interface LogOutput {
  /** To stand in every line: they tell processes apart that share a destination. */
  readonly fields: LogFields
  /** Hands over one line, which ends with a newline. Never blocks, never throws; what is lost is counted. */
  write(level: LogLevel, line: string): void
  /**
   * Is the next entry kept? 0: no; else the share of such entries that are, for the entry to say. `share`: a share of
   * the caller's own, instead of what the configuration says.
   */
  sample(level: LogLevel, share?: number): number
  /** Resolves when what was handed over is written, or cannot be. */
  close(): Promise<void>
}

export interface LogSettings {
  readonly level: LogThreshold
  /** stdout, stderr or a path. */
  readonly destination: string
  readonly bounds: LogBounds
  /** null: every entry is kept. */
  readonly sampling: SamplingRules | null
}

export const DEFAULT_LOG_SETTINGS: LogSettings = {
  level: 'info',
  destination: 'stdout',
  bounds: DEFAULT_BOUNDS,
  sampling: null,
}

/** ms that the last lines may take at the end. */
const CLOSE_LIMIT = 1000

export interface LogSharing {
  /** Other processes write to the same destinations. */
  readonly shared?: boolean
  readonly fields?: LogFields
}

interface Opened {
  readonly destination: LogDestination
  users: number
}

export class Logs {
  readonly log: Logger
  readonly counts = new LogCounts()
  readonly #opened = new Map<string, Opened>()
  readonly #own: Logger & { level: string }
  readonly #threshold: LogThreshold | null
  #settings = DEFAULT_LOG_SETTINGS
  #sampler: LogSampler | null = null
  #main: Opened
  readonly #sharing: LogSharing

  /** `threshold` is stronger than any configuration; null leaves it to that. */
  constructor(threshold: LogThreshold | null = null, sharing: LogSharing = {}) {
    this.#sharing = sharing
    this.#threshold = threshold
    this.#main = this.#acquire(this.#settings.destination)
    const take = (level: number, line: string): void => this.#main.destination.write(level, line, true)
    this.#own = createLogger(threshold ?? this.#settings.level, take, sharing.fields)
    this.log = this.#own
  }

  apply(settings: LogSettings): void {
    const before = this.#settings
    this.#settings = settings
    this.#own.level = this.#threshold ?? settings.level
    for (const { destination } of this.#opened.values()) destination.bounds = settings.bounds
    // A reload that changes nothing must not forget how much is being logged.
    if (JSON.stringify(before.sampling) !== JSON.stringify(settings.sampling))
      this.#sampler = settings.sampling === null ? null : new LogSampler(settings.sampling)
    if (before.destination === settings.destination) return
    this.#main = this.#acquire(settings.destination)
    void this.#release(before.destination)
  }

  open(name: string): LogOutput {
    const { destination } = this.#acquire(name)
    let closing: Promise<void> | null = null
    return {
      fields: this.#sharing.fields ?? {},
      write: (level, line) => destination.write(levelIndex(level), line, false),
      sample: (level, share) => this.#sample(levelIndex(level), share),
      close: () => (closing ??= this.#release(name)),
    }
  }

  /** For lines that a request may cause: 0 leaves one out, else the share that it stands for. */
  sample(level: LogLevel): number {
    return this.#sample(levelIndex(level), undefined)
  }

  /** Files are opened anew, after they were renamed. */
  reopen(): void {
    for (const { destination } of this.#opened.values()) destination.reopen()
  }

  /** Writes what is left, for a second at most. */
  async close(): Promise<void> {
    await Promise.all([...this.#opened.values()].map(({ destination }) => destination.close(CLOSE_LIMIT)))
  }

  /** For the end of the process, when nothing can be awaited any more. */
  writeNow(): void {
    for (const { destination } of this.#opened.values()) destination.writeNow()
  }

  #sample(level: number, share: number | undefined): number {
    const kept = share !== undefined ? draw(share) : this.#sampler === null ? 1 : this.#sampler.decide(level, now())
    if (kept === 0) this.counts.add('sampled-out', level)
    return kept
  }

  #acquire(name: string): Opened {
    let opened = this.#opened.get(name)
    if (opened === undefined) {
      const counts = new LogCounts(this.counts)
      const { shared = false } = this.#sharing
      const broken = (error: Error): void => this.#broken(name, error)
      const destination = new LogDestination(name, this.#settings.bounds, counts, broken, shared)
      this.#opened.set(name, (opened = { destination, users: 0 }))
    }
    opened.users++
    return opened
  }

  #release(name: string): Promise<void> {
    const opened = this.#opened.get(name)
    if (opened === undefined || --opened.users > 0) return Promise.resolve()
    this.#opened.delete(name)
    return opened.destination.close(CLOSE_LIMIT)
  }

  /** Told where it can be read: not in the log that is broken. */
  #broken(name: string, error: Error): void {
    if (this.#settings.destination !== name)
      this.log.warn({ destination: name, err: error }, 'a log cannot be written; what there is no room for is lost')
  }
}
