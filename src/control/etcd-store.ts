// The configuration that many gateways share, in etcd.
//
//   read all at one revision -> watch from the next -> (the watch ends, or it is time to look again) -> read all again
//
// What is told is only what a commit marker has closed (commit-log.ts). Whatever happens to etcd, the last state stays.
import { now } from '../base/clock.ts'
import { growingDelay } from '../base/growing-delay.ts'
import type { EtcdEvent, EtcdWatch } from '../base/etcd-link.ts'
import { Pause } from '../base/pause.ts'
import { TimerWheel } from '../base/timer-wheel.ts'
import type { EtcdSettings } from '../config/control-schema.ts'
import { CommitLog, type StoredConfig } from './commit-log.ts'
import { EtcdConnection } from './etcd-connection.ts'
import { explained } from './etcd-errors.ts'
import { originOf } from './etcd-keys.ts'
import { readHead, readStore } from './etcd-reader.ts'
import { EtcdWriter, type StoreState } from './etcd-writer.ts'
import { FleetEntry, type FleetEntryOptions } from './fleet-entry.ts'
import { readFleet, type FleetMember } from './fleet.ts'
import { LastGood, type LastGoodCopy } from './last-good.ts'
import { StartProblem, type CommitInfo, type ConfigChange, type StoreEvents } from './shared-store.ts'

export interface EtcdStoreOptions {
  readonly settings: EtcdSettings
  /** What the names of certificates are relative to: the directory of the configuration file. */
  readonly base: string
  /** Where the local copy is kept; null: nowhere. */
  readonly directory: string | null
  /** ms that etcd has at start before the local copy is taken. Default 2000. */
  readonly patience?: number
  /** ms after which everything is read again even if nothing seems to happen. Default 180,000. */
  readonly reconcile?: number
  /** ms after which changes without a commit are told. Default 5000. */
  readonly pendingGrace?: number
}

export interface EtcdStoreEvents extends Omit<StoreEvents, 'committed'> {
  /** A newer committed state, whole; the latest of those that came together. */
  committed(config: StoredConfig): void
  /** Keys that were changed some time ago and never committed, or none any more. They do not serve. */
  pending?(keys: readonly string[]): void
  /** For the log: what somebody should look at. No secrets. */
  warned?(message: string): void
}

export interface StoreStart {
  readonly config: StoredConfig
  readonly from: 'etcd' | 'copy'
  /** Why the copy was taken. */
  readonly problem: Error | null
  /** What served last in this place, as far as there is a copy: the last good forms of items that are rejected now. */
  readonly copy: LastGoodCopy | null
}

const FIRST_RETRY = 50
/** All are back within a second after etcd is. */
const LAST_RETRY = 500
/** ms for the first request of a try, when etcd was away: a connection that hangs must not cost more. Now and then it has more. */
const SHORT = 500
/** ms without an event after which etcd is asked whether there is nothing new; and how long it may take to answer. */
const HEARTBEAT = 1000
const PATIENCE = 2000
const RECONCILE = 180_000
const JITTER = 0.2

export class EtcdStore {
  readonly #options: EtcdStoreOptions
  readonly #events: EtcdStoreEvents
  /** With a slash at the end. */
  readonly #prefix: string
  readonly #connection: EtcdConnection
  readonly #log: CommitLog
  readonly #writer: EtcdWriter
  readonly #lastGood: LastGood | null
  readonly #pause: Pause
  readonly #wheel = new TimerWheel()
  readonly #entries = new Set<FleetEntry>()
  #opened: Promise<void> | null = null
  #watch: EtcdWatch | null = null
  #watchFailure: Error | null = null
  /** Version of the last marker that has been read or told of; 0: there was none. */
  #seen = 0
  /** Monotonic ms of the last event. */
  #heardAt = 0
  #failures = 0
  #error: Error | null = null
  #isAway = false
  /** Cluster, version and marker of what was told last. */
  #told = ''
  #firstRead: (() => void) | null = null
  #started = false
  #pendingTimer: NodeJS.Timeout | null = null
  #toldPending = ''
  #closed = false

  constructor(options: EtcdStoreOptions, events: EtcdStoreEvents) {
    this.#options = options
    this.#events = events
    this.#prefix = `${options.settings.prefix}/`
    const warn = (message: string): void => events.warned?.(message)
    this.#connection = new EtcdConnection(options.settings, options.base, warn)
    this.#log = new CommitLog(this.#prefix, warn)
    this.#writer = new EtcdWriter(this.#connection, this.#prefix, (version) =>
      this.#started && this.#error === null && this.version === version && this.#log.lock === null
        ? this.#log.pending
        : null,
    )
    this.#lastGood = options.directory === null ? null : new LastGood(options.directory, options.settings.prefix, warn)
    this.#pause = new Pause(this.#wheel)
  }

  /** What problems call a key: `etcd:/sluice/edge/`. */
  get origin(): string {
    return originOf(this.#options.settings.prefix)
  }

  /** null: etcd answers, and its state is known. */
  get error(): Error | null {
    return this.#error
  }

  /** Names of items that were changed and not committed. */
  get pending(): readonly string[] {
    return [...this.#log.pending.keys()].toSorted()
  }

  /** Version that was committed last, as far as this store has seen; 0: none. */
  get version(): number {
    return this.#log.committed?.commit.version ?? 0
  }

  /**
   * The state to start with: etcd's, or that of the local copy when etcd does not answer. Later states go to `committed`,
   * and may do so before this one has been dealt with. Rejects with StartProblem when there is neither.
   */
  async start(): Promise<StoreStart> {
    const copy = (await this.#lastGood?.read()) ?? null
    if (copy !== null) this.#log.seed(copy.config)
    const seed = this.#log.committed
    await this.#open()
    await this.#firstState()
    const config = this.#state()
    if (config === null) {
      const problem = this.#error ?? this.#unknownState()
      await this.close()
      throw new StartProblem(`${problem.message}. ${this.#noCopy()}`, { cause: problem })
    }
    this.#started = true
    this.#told = keyOf(config)
    const isCopy = seed !== null && this.#log.committed === seed
    return { config, from: isCopy ? 'copy' : 'etcd', problem: isCopy ? this.#error : null, copy }
  }

  /** Makes the change; gives its version. Rejects with VersionConflict, RefusedChange or EtcdFailure. Needs no `start`. */
  async write(change: ConfigChange): Promise<number> {
    await this.#open()
    return this.#writer.write(change)
  }

  /** What etcd holds now, or at an earlier version that it still remembers. Needs no `start`. */
  async read(version?: number): Promise<StoreState> {
    await this.#open()
    return this.#writer.read(version)
  }

  /** The newest commits that etcd still remembers, newest first. Needs no `start`. */
  async history(most: number): Promise<readonly CommitInfo[]> {
    await this.#open()
    return this.#writer.history(most)
  }

  /** All gateways and what they have said of themselves. Needs no `start`. */
  async fleet(): Promise<readonly FleetMember[]> {
    await this.#open()
    return readFleet(this.#connection.link, this.#prefix).catch((error: Error) => {
      throw explained(error, this.#connection.hosts)
    })
  }

  /** Enters this gateway into the fleet; it says what it serves with `update`. */
  enter(options: FleetEntryOptions): FleetEntry {
    const warn = (message: string): void => this.#events.warned?.(message)
    const entry = new FleetEntry(this.#connection, this.#open(), this.#prefix, options, warn)
    this.#entries.add(entry)
    return entry
  }

  /** This state serves now: it is the copy to start from. `served`: texts of the items as they serve, where that is known. */
  keep(config: StoredConfig, served: ReadonlyMap<string, string> = config.items): void {
    this.#lastGood?.keep({ config, served })
  }

  /** Reads the certificates again. */
  checkCertificates(): Promise<void> {
    return this.#connection.check()
  }

  /** What was to be kept is on disk afterwards. Entries of the fleet are not withdrawn: that is for their owner. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    if (this.#pendingTimer !== null) clearTimeout(this.#pendingTimer)
    this.#watch?.close()
    this.#pause.end()
    this.#firstRead?.()
    for (const entry of this.#entries) entry.close()
    this.#connection.close()
    await this.#lastGood?.close()
  }

  #open(): Promise<void> {
    this.#opened ??= this.#connection.open()
    return this.#opened
  }

  /** Settles when etcd has been read, or has not answered in time. */
  async #firstState(): Promise<void> {
    const timer = setTimeout(() => {
      this.#error ??= explained(new Error('UNAVAILABLE: no answer in time'), this.#connection.hosts)
      this.#firstRead?.()
    }, this.#options.patience ?? 2000)
    await new Promise<void>((resolve) => {
      this.#firstRead = resolve
      this.#connection.onReplaced(() => this.#followNewLink())
      void this.#run()
    })
    this.#firstRead = null
    clearTimeout(timer)
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      try {
        await this.#readAll()
        await this.#follow()
        this.#failures = 0
      } catch {
        if (this.#closed) return
        this.#failures++
        await this.#pause.wait(growingDelay(this.#failures, FIRST_RETRY, LAST_RETRY))
      }
    }
  }

  async #readAll(): Promise<void> {
    const { link } = this.#connection
    const isHurried = this.#failures > 0 && this.#failures % 5 !== 0
    try {
      const head = await readHead(link, this.#prefix, isHurried ? SHORT : undefined)
      const warn = (message: string): void => this.#events.warned?.(message)
      const reading = await readStore(link, this.#prefix, head, this.#log, warn)
      if (this.#closed) return
      this.#log.replace(reading)
      this.#seen = head.version
      this.#setBack(reading.committed === null ? this.#unknownState() : this.#lostState(head.version))
    } catch (error) {
      if (!this.#closed) this.#setAway(error as Error)
      throw error
    }
    this.#tell()
  }

  /** Until it is time to look again; rejects when the watch ends, or is silent about what has happened. */
  async #follow(): Promise<void> {
    this.#watchFailure = null
    this.#openWatch()
    const end = now() + (this.#options.reconcile ?? RECONCILE) * (1 - Math.random() * JITTER)
    try {
      while (!this.#closed && now() < end) {
        await this.#pause.wait(HEARTBEAT)
        if (this.#watchFailure !== null) throw this.#watchFailure as Error
        await this.#listen()
      }
    } finally {
      this.#watch?.close()
      this.#watch = null
    }
  }

  /** A connection may be dead without a word, and a watch silent: is what it has told all there is? */
  async #listen(): Promise<void> {
    const seen = this.#seen
    if (this.#closed || this.#heardAt > now() - HEARTBEAT) return
    const { version } = await readHead(this.#connection.link, this.#prefix, PATIENCE)
    if (version === this.#seen) return
    await this.#pause.wait(HEARTBEAT)
    if (this.#seen === seen) throw new Error(`the watch is silent about version ${version}`)
  }

  #openWatch(): void {
    const before = this.#watch
    const watch = this.#connection.link.watchPrefix(this.#prefix, this.#log.revision + 1, {
      changed: (events) => this.#apply(events),
      ended: (error) => {
        if (this.#watch !== watch) return
        this.#watchFailure = error
        this.#pause.end()
      },
    })
    this.#watch = watch
    before?.close()
  }

  /** Certificates were replaced: from here on the new link tells, with no gap and nothing twice. */
  #followNewLink(): void {
    if (this.#watch !== null) this.#openWatch()
  }

  #apply(events: readonly EtcdEvent[]): void {
    if (this.#closed) return
    this.#heardAt = now()
    const before = this.#log.committed
    this.#log.apply(events)
    this.#failures = 0
    if (this.#log.committed !== before) [this.#seen, this.#error] = [this.version, null]
    this.#tell()
  }

  #state(): StoredConfig | null {
    const committed = this.#log.committed
    return committed === null ? null : { origin: this.origin, ...committed }
  }

  /** Tells the committed state, if it is not the one that was told last. */
  #tell(): void {
    const config = this.#state()
    if (this.#started && config !== null && keyOf(config) !== this.#told) {
      this.#told = keyOf(config)
      this.#events.committed(config)
    }
    if (config !== null) this.#firstRead?.()
    this.#watchPending()
  }

  /** A change may be under way: only what stays uncommitted for a while is told, and that it is gone. */
  #watchPending(): void {
    const isQuiet = this.#log.lock !== null || !this.#log.mayHavePending
    if (isQuiet && this.#toldPending === '') return
    if (this.#pendingTimer !== null || this.#closed) return
    this.#pendingTimer = setTimeout(() => this.#tellPending(), this.#options.pendingGrace ?? 5000).unref()
  }

  #tellPending(): void {
    this.#pendingTimer = null
    const keys = this.#log.lock === null ? this.pending : []
    const told = keys.join('\n')
    if (told === this.#toldPending) return
    this.#toldPending = told
    this.#events.pending?.(keys)
  }

  #setAway(error: Error): void {
    this.#error = explained(error, this.#connection.hosts)
    this.#connection.failed()
    if (this.#isAway) return
    this.#isAway = true
    this.#events.away(this.#error)
  }

  #setBack(problem: Error | null): void {
    const isNews = problem !== null && problem.message !== this.#error?.message
    this.#error = problem
    if (this.#isAway) this.#events.back()
    this.#isAway = false
    if (isNews) this.#events.warned?.(problem.message)
  }

  /** What is there was changed after the last commit, and what was committed is not known any more. */
  #unknownState(): Error {
    const names = this.pending.slice(0, 10).join(', ')
    const who = this.#log.lock === null ? '' : ' A change is under way.'
    return new Error(
      `what was committed last in etcd is not known any more: ${names} may have been changed since, and no commit followed.${who} ` +
        `Commit what is there with "etcdctl put ${this.#prefix}commit MESSAGE"`,
    )
  }

  /** `version`: what etcd says. */
  #lostState(version: number): Error | null {
    if (version > 0 || this.version === 0) return null
    return new Error(`etcd has no configuration below ${this.#prefix} any more; version ${this.version} stays`)
  }

  #noCopy(): string {
    const where = this.#lastGood === null ? '(control.directory is not set)' : `in ${this.#lastGood.file}`
    return `There is no local copy to start from ${where}: bring etcd back, or start without control.etcd`
  }
}

function keyOf({ cluster, commit, marker }: StoredConfig): string {
  return `${cluster} ${commit.version} ${marker}`
}
