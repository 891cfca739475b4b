// Who has done what to the configuration and the process, and what came of it: one line each, on disk and in the log.
import { constants, open, mkdir, readFile, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from '../telemetry/logger.ts'

/** Bytes of one file. */
const MOST_BYTES = 10 * 1024 * 1024
/** Files kept beside the one that is written. */
const FILES_KEPT = 5
/** Entries that can be asked for. */
const RECENT = 1000

/** Who asks. */
export interface Actor {
  /** The user, as the client tells it. */
  readonly author: string
  /** Address of the peer; `unix` for a socket */
  readonly peer: string
  /** How it is known that it may: the token, or that it is on this machine; `nobody` when it may not */
  readonly by: 'token' | 'local' | 'nobody' | 'gateway'
}

export interface AuditEvent {
  readonly actor: Actor
  /** `config.replace`, `route.patch`, `snapshot.activate`, `drain`... */
  readonly action: string
  /** What it is done to: a route, a version; '' for all of it. */
  readonly target: string
  /** begun: it is about to be done, and a line with what came of it follows. */
  readonly result: 'begun' | 'done' | 'unchanged' | 'refused'
  /** The versions before and after; null where there is none. */
  readonly from: number | null
  readonly to: number | null
  /** The author's own words. */
  readonly message: string
  /** Why it was refused; '' when it was not. */
  readonly reason: string
}

export interface AuditEntry extends AuditEvent {
  /** Unix ms */
  readonly time: number
}

export interface AuditOptions {
  /** null: it is kept in the log only. */
  readonly directory?: string | null
  readonly log: Logger
  /** Bytes of one file. */
  readonly mostBytes?: number
}

export class AuditLog {
  readonly #file: string | null
  readonly #log: Logger
  readonly #mostBytes: number
  /** Oldest first. */
  readonly #recent: AuditEntry[] = []
  #last: Promise<void> = Promise.resolve()
  /** Half a line may stand at the end of the file, as a crash or a full disk leaves it. */
  #isTorn = false

  private constructor(file: string | null, { log, mostBytes = MOST_BYTES }: AuditOptions) {
    this.#file = file
    this.#log = log
    this.#mostBytes = mostBytes
  }

  /** Never rejects: what cannot be written is told when there is something to write. */
  static async open(options: AuditOptions): Promise<AuditLog> {
    const { directory = null } = options
    const audit = new AuditLog(directory === null ? null : join(directory, 'audit.jsonl'), options)
    if (directory !== null) await mkdir(directory, { recursive: true, mode: 0o700 }).catch(() => {})
    if (audit.#file !== null) await audit.#readRecent(audit.#file)
    return audit
  }

  /** Rejects when it could not be written to disk: then what it tells must not be done. */
  record(event: AuditEvent): Promise<void> {
    const entry: AuditEntry = { time: Date.now(), ...event }
    this.#recent.push(entry)
    if (this.#recent.length > RECENT) this.#recent.shift()
    this.#log.info({ audit: entry }, 'audit')
    const file = this.#file
    if (file === null) return Promise.resolve()
    const written = this.#last.then(() => this.#append(file, `${JSON.stringify(entry)}\n`))
    this.#last = written.then(
      () => void (this.#isTorn = false),
      () => void (this.#isTorn = true),
    )
    return written
  }

  /** As `record`; a failure is only told in the log. */
  async note(event: AuditEvent): Promise<void> {
    await this.record(event).catch((error: unknown) => {
      this.#log.error({ file: this.#file, err: error }, 'the audit log cannot be written')
    })
  }

  /** Latest first. */
  recent(limit: number): AuditEntry[] {
    return this.#recent.slice(-limit).toReversed()
  }

  async #append(file: string, line: string): Promise<void> {
    await this.#rotateWhenLong(file, line.length)
    // A link in this place would lead the lines elsewhere.
    const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW
    const handle = await open(file, flags, 0o600)
    try {
      await handle.appendFile(this.#isTorn ? `\n${line}` : line)
      await handle.datasync()
    } finally {
      await handle.close()
    }
  }

  async #rotateWhenLong(file: string, more: number): Promise<void> {
    const size = await stat(file).then(
      (found) => found.size,
      () => 0,
    )
    if (size === 0 || size + more <= this.#mostBytes) return
    for (let i = FILES_KEPT; i > 0; i--)
      await rename(i === 1 ? file : `${file}.${i - 1}`, `${file}.${i}`).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error
      })
  }

  async #readRecent(file: string): Promise<void> {
    const text = await readFile(file, 'utf8').catch(() => '')
    this.#isTorn = text !== '' && !text.endsWith('\n')
    for (const line of text.split('\n').slice(-RECENT - 1)) {
      const entry = entryOf(line)
      if (entry !== null) this.#recent.push(entry)
    }
  }
}

/** null: the line is damaged. */
function entryOf(line: string): AuditEntry | null {
  try {
    const entry = JSON.parse(line) as Partial<AuditEntry> | null
    return typeof entry?.time === 'number' ? (entry as AuditEntry) : null
  } catch {
    return null
  }
}
