// From sources of configuration to what serves: reads, validates, has it prepared, activates. One configuration at a time is on
// its way; what changes meanwhile comes next, in its latest form.
import { SortedTexts } from '../base/sorted-texts.ts'
import { ControlSchema, type ControlConfig } from '../config/control-schema.ts'
import { isRecord, type ConfigDocument } from '../config/document.ts'
import { inspect } from '../config/inspect.ts'
import { ConfigLoader, type SharedConfig } from '../config/loader.ts'
import { diffConfigs } from '../config/diff.ts'
import type { Plugin } from '../contract/plugin.ts'
import type { Logger } from '../telemetry/logger.ts'
import { Announcements, newRejections } from './announcements.ts'
import { DirectoryWatch } from './directory-watch.ts'
import type { StoredConfig } from './commit-log.ts'
import type { EtcdStore } from './etcd-store.ts'
import { FILE_ITEM, type Authorship } from './config-authority.ts'
import { PlaneAuthority, textsOf, type Authority, type Served } from './plane-authority.ts'
import { openRecords, type Records } from './records.ts'
import type { FleetMember } from './fleet.ts'
import { FileSource } from './file-source.ts'
import { Membership, type OwnAddresses } from './membership.ts'
import { foldersOf, PluginFiles } from './plugin-directory.ts'
import { InvalidConfiguration, validate, type Validated } from './publish.ts'
import type { Reloads } from './reloads.ts'
import type { Serving } from './serving.ts'
import { SharedSource } from './shared-source.ts'
import { Turns } from './turns.ts'

/** Why the configuration is looked at again. */
const FILE = 'file'
const SHARED = 'etcd'
const PLUGIN_FILES = 'plugin files'
const ASKED = 'asked'

interface Adoption {
  readonly text: string
  readonly authorship: Authorship
  /** That it serves as; null: it does not. */
  version: number | null
  /** Why not. */
  failure: Error | null
}

export interface ControlPlaneOptions {
  /** Absolute path. */
  readonly file: string
  readonly builtIn: readonly Plugin[]
  readonly log: Logger
  readonly reloads: Reloads
  readonly serving: Serving
  readonly addresses: () => OwnAddresses
}

export class ControlPlane implements Authority {
  readonly #options: ControlPlaneOptions
  readonly #source: FileSource
  readonly #shared: SharedSource
  readonly #loader = new ConfigLoader()
  readonly #files = new PluginFiles()
  readonly #pluginWatch: DirectoryWatch
  readonly #membership: Membership
  readonly #announcements: Announcements
  readonly #authority: PlaneAuthority
  readonly #turns = new Turns((reasons) => this.#turn(reasons))
  #closed = false
  /** Of the file, as it was read last. */
  #text = ''
  #served: Served | null = null
  /** Items that served when this gateway ran last. */
  #copied: ReadonlyMap<string, string> = SortedTexts.EMPTY
  #records: Records | null = null
  /** A text that was written through, until it serves or is refused. */
  #adoption: Adoption | null = null

  constructor(options: ControlPlaneOptions) {
    const { file, log, reloads } = options
    this.#options = options
    this.#source = new FileSource(file, {
      changed: (text, why) => {
        this.#text = text
        return this.#turns.ask(why || FILE)
      },
      failed: (error) => log.error({ file, err: error }, 'configuration file cannot be read; the last good one serves'),
    })
    this.#shared = new SharedSource(file, log, () => void this.#turns.ask(SHARED))
    this.#membership = new Membership(options.addresses)
    this.#announcements = new Announcements(log, reloads, this.#membership)
    this.#authority = new PlaneAuthority(this, file)
    this.#pluginWatch = new DirectoryWatch(
      () => void this.#source.check(true, PLUGIN_FILES),
      (error) => log.error({ err: error }, 'a plugin directory cannot be watched'),
    )
  }

  /** Of the configuration that serves; 0 before the first, and while nothing is committed to the store. */
  get version(): number {
    return this.#served?.version ?? 0
  }

  get served(): Served {
    return this.#served!
  }

  get store(): EtcdStore | null {
    return this.#shared.store
  }

  /** All gateways that follow the same store; none without one. Rejects when it cannot be asked. */
  async fleet(): Promise<{ readonly instance: string; readonly members: readonly FleetMember[] }> {
    return { instance: this.#membership.instance, members: (await this.store?.fleet()) ?? [] }
  }

  /** null before the first configuration serves. */
  get records(): Records | null {
    return this.#records
  }

  tryOut(text: string, shared: SharedConfig | null, loader: ConfigLoader): Promise<Validated> {
    const { file, builtIn } = this.#options
    return validate(text, file, builtIn, { files: this.#files, newest: false, loader, shared })
  }

  async adopt(text: string, authorship: Authorship): Promise<number> {
    const adoption: Adoption = { text, authorship, version: null, failure: null }
    this.#adoption = adoption
    await this.#source.adopt(text)
    this.#adoption = null
    if (adoption.version !== null) return adoption.version
    // Whoever has written it puts the former text back: that is no news.
    this.#text = this.served.text
    this.#source.expect(this.#text)
    throw adoption.failure ?? new Error('the gateway stops')
  }

  /** Makes the first configuration serve. Rejects with InvalidConfiguration, StartProblem, or the error of a file or an address. */
  async start(): Promise<void> {
    this.#text = await this.#source.read()
    await this.#publish('start', true)
    await this.#source.watch()
    this.#announcements.started(this.#standing)
  }

  /** Reads everything again now, as SIGHUP asks. */
  reload(): Promise<void> {
    return this.#source.check(true, ASKED)
  }

  /** File of a plugin of the user's own; null for others. */
  fileOf(plugin: Plugin): string | null {
    return this.#files.fileOf(plugin)
  }

  /** This gateway takes no more requests soon: the fleet must not send it any. Never rejects. */
  withdraw(): Promise<void> {
    return this.#membership.withdraw()
  }

  /** Nothing more is read; what is on its way may still fail. */
  async close(): Promise<void> {
    this.#closed = true
    this.#source.close()
    this.#pluginWatch.close()
    await Promise.all([this.#shared.close(), this.#records?.history.close()])
  }

  // An invalid configuration changes nothing: the last good one keeps serving. Where only new versions of plugin files stand in
  // the way, their last good versions are taken.
  async #turn(reasons: ReadonlySet<string>): Promise<void> {
    if (this.#closed) return
    const why = [...reasons].join(', ')
    try {
      await this.#republish(why, true)
    } catch (error) {
      if (this.#closed) return
      this.#refuse(error)
      if (!this.#files.changed) return
      try {
        await this.#republish(why, false)
      } catch (again) {
        this.#refuse(again)
        return
      }
    }
  }

  async #republish(why: string, newest: boolean): Promise<void> {
    if ((await this.#publish(why, newest)) === null) return
    this.#announcements.reloaded(this.#standing, why)
  }

  /** null: there was nothing to change. */
  async #publish(why: string, newest: boolean): Promise<Served | null> {
    const text = this.#text
    await this.#followStore(text)
    const shared = this.#shared.latest
    let validated = await this.#validate(text, shared, newest)
    // The watch of plugin files tells more often than they change.
    if (why === PLUGIN_FILES && this.#isServed(text, shared, validated)) {
      this.#announcements.parts(validated)
      return null
    }
    this.#records ??= await openRecords(this.#options, validated.valid.config.control ?? {}, this.#authority)
    const version = shared === null ? this.#nextVersion(text) : shared.commit.version
    let prepared
    while (prepared === undefined) {
      try {
        prepared = await this.#options.serving.prepare({ validated, version, why })
      } catch (error) {
        // A shared item that a plugin refuses stays in its last good form; the others go on.
        if (!(error instanceof InvalidConfiguration) || !this.#loader.refuse(error.problems, validated.valid))
          throw error
        validated = await this.#validate(text, shared, newest)
      }
    }
    await prepared.activate()
    const before = this.#served
    const served: Served = { version, validated, text, shared, items: this.#servedItems(shared, validated) }
    this.#served = served
    const adoption = this.#adoption?.text === text ? this.#adoption : null
    if (adoption !== null) adoption.version = version
    this.#loader.commit(validated.valid)
    if (shared !== null) this.#shared.store?.keep(shared, served.items)
    await this.#record(served, before, why, shared?.commit ?? adoption?.authorship ?? null)
    await this.#settle(validated)
    this.#authority.settled(version, newRejections(validated, before?.validated ?? null))
    return served
  }

  /** Follows the store that this text names. Its last good forms are known before anything is looked at. */
  async #followStore(text: string): Promise<void> {
    if (text === this.#served?.text) return
    const { file } = this.#options
    const control = controlOf(await this.#loader.parse(text, file, process.env))
    const started = control === null ? null : await this.#shared.follow(control)
    const copy = started?.copy ?? null
    if (copy === null || this.#served !== null) return
    const { config, served } = copy
    const last = await this.#validate(text, { ...config, items: served }, true)
    this.#loader.commit(last.valid)
    this.#copied = served
  }

  #validate(text: string, shared: SharedConfig | null, newest: boolean): Promise<Validated> {
    const { file, builtIn } = this.#options
    return validate(text, file, builtIn, { files: this.#files, newest, loader: this.#loader, shared })
  }

  #servedItems(shared: StoredConfig | null, { rejected }: Validated): SortedTexts {
    const items = shared?.items ?? SortedTexts.EMPTY
    if (rejected.length === 0) return items
    const before = this.#served?.items ?? this.#copied
    return items.with(new Map(rejected.map(({ key, kept }) => [key, (kept ? before.get(key) : null) ?? null])))
  }

  /** A file is at the version at which it was when it served last, or at a new one. */
  #nextVersion(text: string): number {
    const { history } = this.#records!
    const [newest] = history.reports()
    if (this.#served !== null || newest === undefined) return Math.max(this.version, newest?.version ?? 0) + 1
    return history.textsOf(newest.version)?.get(FILE_ITEM) === text ? newest.version : newest.version + 1
  }

  async #record(served: Served, before: Served | null, why: string, by: Authorship | null): Promise<void> {
    const { version, validated, shared } = served
    const { history } = this.#records!
    if (version === (history.reports()[0]?.version ?? 0) || version === 0) return
    const changes =
      before === null
        ? null
        : await diffConfigs(before.validated.valid.config, validated.valid.config, validated.plugins)
    const time = shared?.commit.time || Date.now()
    history.record(
      { version, time, author: by?.author ?? '', message: by?.message ?? '', why },
      textsOf(served),
      changes,
    )
  }

  #isServed(text: string, shared: StoredConfig | null, { plugins }: Validated): boolean {
    const served = this.#served!
    return text === served.text && shared === served.shared && isSame(served.validated.plugins, plugins)
  }

  /** What is served now: these plugin files are good, and they and their folders are watched. */
  async #settle(validated: Validated): Promise<void> {
    const { plugins, pluginDirectories } = validated
    this.#files.commit(plugins.values())
    this.#announcements.parts(validated)
    const folders = await Promise.all(pluginDirectories.map(foldersOf))
    // What has changed between the look at the files and the watch is seen by another look.
    if (this.#pluginWatch.set(folders.flat())) this.#pluginWatch.schedule()
  }

  get #standing(): Served & { readonly store: EtcdStore | null; readonly seen: number } {
    return { ...this.#served!, store: this.#shared.store, seen: this.#shared.latest?.commit.version ?? 0 }
  }

  #refuse(error: unknown): void {
    if (this.#adoption?.text === this.#text) this.#adoption.failure = error as Error
    this.#announcements.refused(error, this.#standing)
    this.#authority.settled(this.#shared.latest?.commit.version ?? this.version, error as Error)
  }
}

/** What a file says of its sources; null when that part of it is wrong. */
function controlOf({ value }: ConfigDocument): ControlConfig | null {
  const control = isRecord(value) ? (value['control'] ?? {}) : {}
  let faultless = true
  const read = inspect(ControlSchema, control, ['control'], () => (faultless = false))
  return faultless ? (read as ControlConfig) : null
}

function isSame(before: ReadonlyMap<string, Plugin>, now: ReadonlyMap<string, Plugin>): boolean {
  return before.size === now.size && [...now].every(([name, plugin]) => before.get(name) === plugin)
}
