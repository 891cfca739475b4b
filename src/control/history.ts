// The versions of the configuration that have served here, so that each of the last ones can serve again. The newest is
// kept whole, each older one as what it differs in from the one after it.
import type { Change } from '../config/diff.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { ConfigTexts, VersionInfo } from './config-authority.ts'
import { HistoryJournal, type JournalRecord } from './history-journal.ts'
import { applyDelta, deltaOf, keysThatDiffer, sizeOfDelta, sizeOfTexts, type TextsDelta } from './text-delta.ts'

const MOST_VERSIONS = 50
/** Characters of all texts together; the newest is kept whatever its size. */
const MOST_SIZE = 32 * 1024 * 1024
/** Characters of the changes of one version, as JSON; of more only the number is kept. */
const MOST_CHANGES = 64 * 1024

export interface VersionReport extends VersionInfo {
  /** How many, against the version before; null when that is not known. */
  readonly changes: number | null
}

export interface HistoryOptions {
  /** Where it is kept over restarts; null: nowhere. */
  readonly directory?: string | null
  readonly log: Logger
  readonly mostVersions?: number
  readonly mostSize?: number
}

interface Entry {
  readonly report: VersionReport
  readonly changes: readonly Change[] | null
  /** From the texts of the next newer version to these. */
  back: TextsDelta
  size: number
}

export class ConfigHistory {
  readonly #mostVersions: number
  readonly #mostSize: number
  readonly #journal: HistoryJournal | null
  /** Oldest first. */
  #entries: Entry[] = []
  /** Of the newest. */
  #texts: ConfigTexts = new Map()
  #size = 0

  private constructor(journal: HistoryJournal | null, { mostVersions, mostSize }: HistoryOptions) {
    this.#journal = journal
    this.#mostVersions = mostVersions ?? MOST_VERSIONS
    this.#mostSize = mostSize ?? MOST_SIZE
  }

  /** With what is left of it on disk. Never rejects: what cannot be read is told in the log, and begun anew. */
  static async open(options: HistoryOptions): Promise<ConfigHistory> {
    const { directory = null, log } = options
    if (directory === null) return new ConfigHistory(null, options)
    const { journal, records } = await HistoryJournal.open(directory, log)
    const history = new ConfigHistory(journal, options)
    for (const { info, texts, changes, count } of records)
      if (!history.#isKnown(info, texts)) history.#add({ ...info, changes: count }, texts, changes)
    return history
  }

  /** This version serves now. `changes`: against the one before, null when there was none. */
  record(info: VersionInfo, texts: ConfigTexts, changes: readonly Change[] | null): void {
    if (this.#isNewest(info, texts)) return
    const kept = changes !== null && JSON.stringify(changes).length <= MOST_CHANGES ? changes : null
    const report = { ...info, changes: changes?.length ?? null }
    const isFirst = this.#entries.length === 0
    const forward = isFirst ? null : deltaOf(this.#texts, texts)
    this.#add(report, texts, kept)
    this.#journal?.append({ info, changes: kept, count: report.changes, texts: forward, whole: texts }, () =>
      this.#all(),
    )
  }

  /** The version that served last, also before a restart. */
  get newest(): VersionReport | null {
    return this.#entries.at(-1)?.report ?? null
  }

  /** Latest first. */
  reports(): VersionReport[] {
    return this.#entries.map(({ report }) => report).toReversed()
  }

  /** null: it is not known, or not any more. */
  textsOf(version: number): ConfigTexts | null {
    const at = this.#indexOf(version)
    if (at < 0) return null
    let texts = this.#texts
    for (let i = this.#entries.length - 2; i >= at; i--) texts = applyDelta(texts, this.#entries[i]!.back)
    return texts
  }

  /** Against the version before; null when they are not kept. */
  changesOf(version: number): readonly Change[] | null {
    return this.#entries[this.#indexOf(version)]?.changes ?? null
  }

  /** The version that served before; null when it is not known. */
  before(version: number): number | null {
    return this.#entries[this.#indexOf(version) - 1]?.report.version ?? null
  }

  /** Resolves when all that was recorded is on disk. */
  async close(): Promise<void> {
    await this.#journal?.close()
  }

  #isNewest({ version }: VersionInfo, texts: ConfigTexts): boolean {
    return version === this.newest?.version && keysThatDiffer(texts, this.#texts).length === 0
  }

  /** Two generations of this gateway have written it. */
  #isKnown(info: VersionInfo, texts: ConfigTexts): boolean {
    const isSame = ({ report }: Entry): boolean => report.version === info.version && report.time === info.time
    return this.#isNewest(info, texts) || this.#entries.some(isSame)
  }

  #indexOf(version: number): number {
    return this.#entries.findLastIndex(({ report }) => report.version === version)
  }

  #add(report: VersionReport, texts: ConfigTexts, changes: readonly Change[] | null): void {
    const before = this.#entries.at(-1)
    if (before !== undefined) {
      before.back = deltaOf(texts, this.#texts)
      const size = sizeOfDelta(before.back)
      this.#size += size - before.size
      before.size = size
    }
    const size = sizeOfTexts(texts)
    this.#entries.push({ report, changes, back: {}, size })
    this.#size += size
    this.#texts = texts
    while (this.#entries.length > 1 && (this.#entries.length > this.#mostVersions || this.#size > this.#mostSize))
      this.#size -= this.#entries.shift()!.size
  }

  /** Oldest first, as the journal has them. */
  #all(): JournalRecord[] {
    const records: JournalRecord[] = []
    let texts = this.#texts
    for (const [i, { report, changes, back }] of [...this.#entries.entries()].toReversed()) {
      if (i < this.#entries.length - 1) texts = applyDelta(texts, back)
      const { changes: count, ...info } = report
      records.push({ info, changes, count, texts })
    }
    return records.toReversed()
  }
}
