// The history on disk: one line for each version, what it differs in from the line before, the first one whole. A line
// begins with its checksum: what a crash or a full disk has left behind it is not read.
import { appendFile, mkdir, open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { crc32 } from 'node:zlib'
import { Slice } from '../base/slice.ts'
import type { Change } from '../config/diff.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { ConfigTexts, VersionInfo } from './config-authority.ts'
import { applyDelta, deltaOf, type TextsDelta } from './text-delta.ts'

/** Lines and characters after which it is written anew. */
const MOST_LINES = 200
const MOST_GROWTH = 8 * 1024 * 1024

/** A version. */
export interface JournalRecord {
  readonly info: VersionInfo
  readonly changes: readonly Change[] | null
  readonly count: number | null
  readonly texts: ConfigTexts
}

type Line = Omit<JournalRecord, 'texts'> & ({ readonly whole: Record<string, string> } | { readonly delta: TextsDelta })

export class HistoryJournal {
  readonly #file: string
  readonly #log: Logger
  #lines = 0
  #growth = 0
  /** What is on disk cannot be appended to. */
  #isDamaged: boolean
  /** Versions to be appended, with the texts of the one before each; null when there is none. */
  #waiting: { readonly record: JournalRecord; readonly before: ConfigTexts | null }[] = []
  #rotation: (() => JournalRecord[]) | null = null
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
    const { records, damaged } = readLines(text)
    if (failure !== null) log.error({ file, err: failure }, 'the history of configurations cannot be read')
    if (damaged > 0) log.error({ file, lines: damaged }, 'lines of the history of configurations are damaged; left out')
    const journal = new HistoryJournal(file, log, damaged > 0 || failure !== null)
    journal.#lines = records.length
    return { journal, records }
  }

  append(record: JournalRecord, before: ConfigTexts | null): void {
    this.#waiting.push({ record, before })
    this.#lines++
    this.#writing ??= this.#write()
  }

  /** `all`: what it is to consist of then. */
  rotateWhenLong(all: () => JournalRecord[]): void {
    if (this.#isDamaged || this.#lines > MOST_LINES || this.#growth > MOST_GROWTH) this.#rotation = all
  }

  /** Resolves when all is on disk, as far as that can be. */
  async close(): Promise<void> {
    await this.#writing
  }

  // In a later turn: who records a version is about to serve it. Lines that come together are written together.
  async #write(): Promise<void> {
    await Promise.resolve()
    while (this.#waiting.length > 0 || this.#rotation !== null) {
      try {
        if (this.#rotation !== null) await this.#rotate(this.#rotation)
        else await this.#append()
      } catch (error) {
        // Half a line may be there: it is all written anew with the next version.
        this.#isDamaged = true
        this.#rotation = null
        this.#waiting = []
        this.#log.error({ file: this.#file, err: error }, 'the history of configurations cannot be written')
      }
    }
    this.#writing = null
  }

  async #append(): Promise<void> {
    let lines = ''
    for (const { record, before } of this.#waiting.splice(0)) {
      lines += await lineInSlices(lineAfter(record, before))
    }
    this.#growth += lines.length
    await appendFile(this.#file, lines, { mode: 0o600, flush: true })
  }

  async #rotate(all: () => JournalRecord[]): Promise<void> {
    this.#rotation = null
    // They are among all that there is.
    this.#waiting = []
    const records = all()
    const next = `${this.#file}.new`
    const handle = await open(next, 'w', 0o600)
    try {
      let before: ConfigTexts | null = null
      for (const record of records) {
        await handle.write(lineOf(lineAfter(record, before)))
        before = record.texts
      }
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(next, this.#file)
    this.#lines = records.length
    this.#growth = 0
    this.#isDamaged = false
  }
}

function lineAfter({ texts, ...record }: JournalRecord, before: ConfigTexts | null): Line {
  return before === null
    ? { ...record, whole: Object.fromEntries(texts) }
    : { ...record, delta: deltaOf(before, texts) }
}

function lineOf(line: Line): string {
  return checked(JSON.stringify(line))
}

/** The same; of thousands of items it takes a while. */
async function lineInSlices(line: Line): Promise<string> {
  const [key, items, rest] = 'whole' in line ? apart('whole', line.whole, line) : apart('delta', line.delta, line)
  await setImmediate()
  const slice = new Slice()
  const entries: string[] = []
  for (const name of Object.keys(items)) {
    entries.push(`${JSON.stringify(name)}:${JSON.stringify(items[name])}`)
    await slice.rest()
  }
  return checked(`${JSON.stringify(rest).slice(0, -1)},"${key}":{${entries.join(',')}}}`)
}

function apart<T>(key: string, items: Readonly<Record<string, T>>, line: Line): [string, typeof items, object] {
  return [key, items, { ...line, [key]: undefined }]
}

function checked(json: string): string {
  return `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`
}

function readLines(text: string): { records: JournalRecord[]; damaged: number } {
  const records: JournalRecord[] = []
  let damaged = 0
  let texts: ConfigTexts | null = null
  for (const written of text.split('\n')) {
    if (written === '') continue
    const line = readLine(written)
    const next: ConfigTexts | null = line === null ? null : textsAfter(line, texts)
    if (next === null) damaged++
    // What builds upon a damaged line is lost with it.
    texts = next
    if (line !== null && next !== null) records.push({ ...recordOf(line), texts: next })
  }
  return { records, damaged }
}

function recordOf({ info, changes, count }: Line): Omit<JournalRecord, 'texts'> {
  return { info, changes, count }
}

function textsAfter(line: Line, before: ConfigTexts | null): ConfigTexts | null {
  if ('whole' in line) return new Map(Object.entries(line.whole))
  try {
    return before === null ? null : applyDelta(before, line.delta)
  } catch {
    return null
  }
}

function readLine(written: string): Line | null {
  const json = written.slice(9)
  if (written.slice(0, 9) !== `${crc32(json).toString(16).padStart(8, '0')} `) return null
  return JSON.parse(json) as Line
}
