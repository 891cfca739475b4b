// The history on disk: one line for each version, what it differs in from an earlier line, the first one whole. A line begins
// with its checksum: what a crash or a full disk has left behind it is not read. By its checksum it is named by the one that
// builds on it, as two generations of a gateway write here for a moment.
import { appendFile, mkdir, open, readFile, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { SortedTexts } from '../base/sorted-texts.ts'
import type { Change } from '../config/diff.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { ConfigTexts, VersionInfo } from './config-authority.ts'
import { applyDelta, deltaOf, type TextsDelta } from './text-delta.ts'

/** Lines and characters after which it is written anew. */
const MOST_LINES = 200
const MOST_GROWTH = 8 * 1024 * 1024
/** Characters */
const CHECKSUM = 8

/** A version. */
export interface JournalRecord {
  readonly info: VersionInfo
  readonly changes: readonly Change[] | null
  readonly count: number | null
  readonly texts: ConfigTexts
}

/** A version to be appended: `texts` against the one before, null when there is none. */
interface Appended extends Omit<JournalRecord, 'texts'> {
  readonly texts: TextsDelta | null
  readonly whole: ConfigTexts
}

/** `on`: the line that the delta belongs to. */
type Line = Omit<JournalRecord, 'texts'> &
  ({ readonly whole: Record<string, string> } | { readonly delta: TextsDelta; readonly on: string })

export class HistoryJournal {
  readonly #file: string
  readonly #log: Logger
  #lines = 0
  #growth = 0
  /** What is on disk cannot be appended to. */
  #isDamaged: boolean
  /** Of the file that our lines are in. */
  #inode: number | null = null
  /** Our last line. */
  #on = ''
  #waiting: Appended[] = []
  #all: () => JournalRecord[] = () => []
  #writing: Promise<void> | null = null

  private constructor(file: string, log: Logger, isDamaged: boolean) {
    this.#file = file
    this.#log = log
    this.#isDamaged = isDamaged
  }

  /** Never rejects. */
  static async open(
    directory: string,
    log: Logger,
  ): Promise<{ journal: HistoryJournal; records: readonly JournalRecord[] }> {
    const file = join(directory, 'history.jsonl')
    let text = ''
    let failure: unknown = null
    try {
      await mkdir(directory, { recursive: true, mode: 0o700 })
      text = await readFile(file, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') failure = error
    }
    const { records, damaged, last } = readLines(text)
    if (failure !== null) log.error({ file, err: failure }, 'the history of configurations cannot be read')
    if (damaged > 0) log.error({ file, lines: damaged }, 'lines of the history of configurations are damaged; left out')
    const journal = new HistoryJournal(file, log, damaged > 0 || failure !== null)
    journal.#lines = records.length
    journal.#on = last
    journal.#inode = await inodeOf(file)
    return { journal, records }
  }

  /** `all`: what there is by then, in case that it is written anew. */
  append(record: Appended, all: () => JournalRecord[]): void {
    this.#waiting.push(record)
    this.#all = all
    this.#writing ??= this.#write()
  }

  /** Resolves when all is on disk, as far as that can be. */
  async close(): Promise<void> {
    await this.#writing
  }

  // In a later turn: who records a version is about to serve it. Lines that come together are written together.
  async #write(): Promise<void> {
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      try {
        const isLong = this.#lines >= MOST_LINES || this.#growth > MOST_GROWTH
        if (this.#isDamaged || isLong) await this.#rotate()
        else await this.#append(this.#waiting.splice(0))
      } catch (error) {
        // Half a line may be there: it is all written anew with the next version.
        this.#isDamaged = true
        this.#waiting = []
        this.#log.error({ file: this.#file, err: error }, 'the history of configurations cannot be written')
      }
    }
    this.#writing = null
  }

  async #append(records: readonly Appended[]): Promise<void> {
    const inode = await inodeOf(this.#file)
    // Somebody else has written it anew: what we would build on may not be there any more.
    if (inode !== this.#inode) this.#on = ''
    let text = ''
    for (const { texts: delta, whole, ...record } of records) {
      const isWhole = delta === null || this.#on === ''
      text += this.#lineOf(
        isWhole ? { ...record, whole: Object.fromEntries(whole) } : { ...record, delta, on: this.#on },
      )
    }
    await appendFile(this.#file, text, { mode: 0o600, flush: true })
    this.#lines += records.length
    this.#growth += text.length
    this.#inode = inode ?? (await inodeOf(this.#file))
  }

  /** The next one builds on it. */
  #lineOf(line: Line): string {
    const written = lineOf(line)
    this.#on = written.slice(0, CHECKSUM)
    return written
  }

  async #rotate(): Promise<void> {
    // They are among all that there is.
    this.#waiting = []
    const records = this.#all()
    const next = `${this.#file}.new`
    const handle = await open(next, 'w', 0o600)
    try {
      let before: JournalRecord | null = null
      for (const record of records) {
        await handle.write(this.#lineOf(writtenAfter(record, before, this.#on)))
        before = record
      }
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(next, this.#file)
    this.#inode = await inodeOf(this.#file)
    this.#lines = records.length
    this.#growth = 0
    this.#isDamaged = false
  }
}

async function inodeOf(file: string): Promise<number | null> {
  return stat(file).then(
    ({ ino }) => ino,
    () => null,
  )
}

function writtenAfter({ texts, ...record }: JournalRecord, before: JournalRecord | null, on: string): Line {
  return before === null
    ? { ...record, whole: Object.fromEntries(texts) }
    : { ...record, delta: deltaOf(before.texts, texts), on }
}

function lineOf(line: Line): string {
  const json = JSON.stringify(line)
  return `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`
}

function readLines(text: string): { records: JournalRecord[]; damaged: number; last: string } {
  const records: JournalRecord[] = []
  const known = new Map<string, ConfigTexts>()
  let damaged = 0
  let last = ''
  for (const written of text.split('\n')) {
    if (written === '') continue
    const line = readLine(written)
    // What builds upon a damaged line is lost with it.
    const texts = line === null ? null : textsOf(line, known)
    last = texts === null ? '' : written.slice(0, CHECKSUM)
    if (line === null || texts === null) damaged++
    else {
      known.set(last, texts)
      records.push({ ...recordOf(line), texts })
    }
  }
  return { records, damaged, last }
}

function recordOf({ info, changes, count }: Line): Omit<JournalRecord, 'texts'> {
  return { info, changes, count }
}

function textsOf(line: Line, known: ReadonlyMap<string, ConfigTexts>): ConfigTexts | null {
  if ('whole' in line) return SortedTexts.from(Object.entries(line.whole))
  const before = known.get(line.on)
  try {
    return before === undefined ? null : applyDelta(before, line.delta)
  } catch {
    return null
  }
}

function readLine(written: string): Line | null {
  const json = written.slice(CHECKSUM + 1)
  if (written.slice(0, CHECKSUM + 1) !== `${crc32(json).toString(16).padStart(8, '0')} `) return null
  return JSON.parse(json) as Line
}
