// The configuration that gateways share in etcd, read and written without any of them.
import type { EtcdSettings } from '../../config/control-schema.ts'
import type { Change } from '../../config/diff.ts'
import { EtcdStore } from '../../control/etcd-store.ts'
import { VersionConflict, type CommitInfo } from '../../control/shared-store.ts'
import { counted } from '../words.ts'
import { instanceStatus } from './reports.ts'
import { changesBetween, compareItems, type Items } from './shared-changes.ts'
import { readSharedFile } from './shared-file.ts'
import {
  Conflict,
  TargetFailure,
  type Authorship,
  type ConfigTarget,
  type ConfigText,
  type HistoryEntry,
  type InstanceStatus,
  type Operand,
  type Preview,
  type Written,
} from './target.ts'

const MOST_VERSIONS = 50

interface Committed {
  readonly commit: CommitInfo
  readonly items: Items
  readonly pending: readonly string[]
}

export class EtcdTarget implements ConfigTarget {
  readonly #settings: EtcdSettings
  readonly #store: EtcdStore

  constructor(settings: EtcdSettings) {
    this.#settings = settings
    const quiet = { committed: () => {}, away: () => {}, back: () => {} }
    this.#store = new EtcdStore({ settings, base: process.cwd(), directory: null }, quiet)
  }

  describe(): string {
    return `etcd ${this.#settings.hosts.join(', ')}, ${this.#settings.prefix}`
  }

  async close(): Promise<void> {
    await this.#store.close()
  }

  async version(): Promise<number> {
    return (await this.#committed()).commit.version
  }

  async preview(text: ConfigText): Promise<Preview> {
    const shared = readSharedFile(text)
    // A whole gateway, for those who need it.
    const { validateShared } = await import('./shared-check.ts')
    const warnings = await validateShared(text, shared)
    const { commit, items, pending } = await this.#committed()
    const changes = await compareItems(items, shared.items)
    const notes: string[] = []
    if (shared.rest.length > 0) notes.push(`Not written, it stays with each gateway: ${shared.rest.join(', ')}.`)
    if (pending.length > 0) notes.push(`Somebody has changed and not committed: ${pending.join(', ')}.`)
    const texts = changesBetween(items, shared.items)
    if (changes.length === 0 && texts.size > 0)
      notes.push(`${counted(texts.size, 'item')} with other comments or order.`)
    return { version: commit.version, changes, warnings, notes, isSame: texts.size === 0 }
  }

  async apply(text: ConfigText, base: number, authorship: Authorship): Promise<Written> {
    return this.#write(readSharedFile(text).items, base, authorship)
  }

  async activate(version: number, base: number, authorship: Authorship): Promise<Written> {
    return this.#write((await this.#committed(version)).items, base, authorship)
  }

  async compare(before: Operand, after: Operand): Promise<readonly Change[]> {
    return compareItems(await this.#itemsOf(before), await this.#itemsOf(after))
  }

  async history(): Promise<readonly HistoryEntry[]> {
    const commits = await this.#asked(this.#store.history(MOST_VERSIONS))
    return commits.map(({ version, author, time, message }, i) => {
      return { version, author, time, message, changes: null, serving: i === 0 }
    })
  }

  async fleet(): Promise<readonly InstanceStatus[]> {
    const members = await this.#asked(this.#store.fleet())
    return members.map(({ instance, status }) => instanceStatus(instance, status))
  }

  async #write(items: Items, base: number, authorship: Authorship): Promise<Written> {
    const { commit, items: present } = await this.#committed()
    if (commit.version !== base) throw conflict(new VersionConflict(base, commit.version))
    const changes = changesBetween(present, items)
    if (changes.size === 0) return { version: base, isNew: false }
    return { version: await this.#asked(this.#store.write({ base, items: changes, ...authorship })), isNew: true }
  }

  async #itemsOf(operand: Operand): Promise<Items> {
    if (operand.kind === 'file') return readSharedFile(operand).items
    return (await this.#committed(operand.kind === 'version' ? operand.version : undefined)).items
  }

  async #committed(version?: number): Promise<Committed> {
    const { commit, items, pending } = await this.#asked(this.#store.read(version))
    if (items !== null) return { commit, items, pending: [...pending.keys()] }
    const { prefix } = this.#settings
    const hint = `Commit what lies there with a new ${prefix}/commit, or take it back.`
    throw new TargetFailure(
      `${this.describe()}: there are changes that nobody has committed, and what was before is not known any more`,
      [],
      hint,
    )
  }

  async #asked<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer
    } catch (error) {
      if (error instanceof VersionConflict) throw conflict(error)
      // Mistakes of ours are no news about etcd.
      if (!(error instanceof Error) || error instanceof TypeError || error instanceof ReferenceError) throw error
      throw new TargetFailure(error.message)
    }
  }
}

function conflict({ message }: VersionConflict): Conflict {
  return new Conflict(message)
}
