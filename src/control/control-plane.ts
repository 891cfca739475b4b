// From sources of configuration to what serves: reads, validates, has it prepared, activates. One configuration at a time is on
// its way; what changes meanwhile comes next, in its latest form.
import { growingDelay } from '../base/growing-delay.ts'
import { SortedTexts } from '../base/sorted-texts.ts'
import { ControlSchema, type ControlConfig } from '../config/control-schema.ts'
import { isRecord, type ConfigDocument } from '../config/document.ts'
import { inspect } from '../config/inspect.ts'
import { ConfigLoader, type SharedConfig } from '../config/loader.ts'
import { diffConfigs } from '../config/diff.ts'
import type { Problem } from '../config/problem.ts'
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
import { SharedSource, type NamedStore } from './shared-source.ts'
import { StartProblem } from './shared-store.ts'
import { Turns } from './turns.ts'

/** Why the configuration is looked at again. */
const FILE = 'file'
const SHARED = 'etcd'
const PLUGIN_FILES = 'plugin files'
const ASKED = 'asked'

/** ms before what is committed is tried again: the first time, and at most. */
const RETRIES = [500, 10_000] as const

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
  #loader = new ConfigLoader()
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
  #copied = SortedTexts.EMPTY
  #records: Records | null = null
  /** A text that was written through, until it serves or is refused. */
  #adoption: Adoption | null = null
  /** Version of the store that the turn under way deals with. */
  #offered = 0
  /** Turns in a row that failed for reasons which may pass. */
  #failures = 0
  #retry: NodeJS.Timeout | null = null
  /** A text that names a store which did not answer. */
  #silent: { readonly text: string; readonly problem: StartProblem } | null = null

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
    return this.#shared.followed?.store ?? null
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
    await this.#publish(this.#text, 'start', true)
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

  /** Nothing changes any more: what is on its way fails, and that is no news. */
  refuse(): void {
    this.#closed = true
  }

  /** This gateway takes no more requests soon: the fleet must not send it any. Never rejects. */
  withdraw(): Promise<void> {
    return this.#membership.withdraw()
  }

  /** Nothing more is read; what is on its way may still fail. */
  async close(): Promise<void> {
    this.#closed = true
    if (this.#retry !== null) clearTimeout(this.#retry)
    this.#source.close()
    this.#pluginWatch.close()
    this.#announcements.close()
    await Promise.all([this.#shared.close(), this.#records?.history.close()])
  }

  // An invalid configuration changes nothing: the last good one keeps serving.
  async #turn(reasons: ReadonlySet<string>): Promise<void> {
    if (this.#closed) return
    const why = [...reasons].join(', ')
    if (reasons.has(ASKED)) this.#loader.pardon()
    const text = this.#text
    // A store that did not answer is not asked again for everything that happens elsewhere.
    const isSilent = this.#silent?.text === text && why === SHARED
    const failure = isSilent ? this.#silent!.problem : await this.#attempt(text, why)
    this.#silent = failure instanceof StartProblem ? { text, problem: failure } : null
    if (failure === null || this.#closed) return
    let last = failure
    // A file that cannot serve does not keep others from what they have committed.
    if (text !== this.served.text && this.#isBehind) last = (await this.#attempt(this.served.text, why)) ?? failure
    if (this.#closed) return
    this.#refuse(failure)
    if (last !== failure) this.#refuse(last)
    if (this.#isBehind && !(last instanceof InvalidConfiguration)) this.#tryAgain()
  }

  /** Why it does not serve; null when it does. Where only new versions of plugin files are in the way the last good ones are taken. */
  async #attempt(text: string, why: string): Promise<Error | null> {
    try {
      await this.#republish(text, why, true)
    } catch (error) {
      if (this.#closed || !this.#files.changed) return error as Error
      this.#refuse(error)
      try {
        await this.#republish(text, why, false)
      } catch (again) {
        return again as Error
      }
    }
    this.#failures = 0
    return null
  }

  /** Something was committed that does not serve. */
  get #isBehind(): boolean {
    return (this.#shared.followed?.latest ?? null) !== this.served.shared
  }

  /** What stood in the way may pass without a word: all workers have ended, say. */
  #tryAgain(): void {
    if (this.#retry !== null) clearTimeout(this.#retry)
    const delay = growingDelay(++this.#failures, ...RETRIES)
    this.#retry = setTimeout(() => void this.#turns.ask(SHARED), delay)
    this.#retry.unref()
  }

  async #republish(text: string, why: string, newest: boolean): Promise<void> {
    if ((await this.#publish(text, why, newest)) === null) return
    this.#announcements.reloaded(this.#standing, why)
  }

  /** null: there was nothing to change. */
  async #publish(text: string, why: string, newest: boolean): Promise<Served | null> {
    const named = await this.#storeOf(text)
    const shared = named?.latest ?? null
    this.#offered = shared?.commit.version ?? this.version
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
        if (!(error instanceof InvalidConfiguration)) throw error
        // A shared item that a plugin refuses stays in its last good form; the others go on.
        const isRefused = this.#loader.refuse(error.problems, validated.valid)
        if (!isRefused && !(await this.#forget(error.problems, text, shared))) throw error
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
    if (named !== this.#shared.followed) await this.#membership.leave()
    await this.#shared.settle(named)
    if (shared !== null) named!.store.keep(shared, served.items)
    await this.#record(served, before, why, shared?.commit ?? adoption?.authorship ?? null)
    await this.#settle(validated)
    this.#authority.settled(version, newRejections(validated, before?.validated ?? null))
    return served
  }

  /** The store that this text names. Its last good forms are known before anything is looked at. */
  async #storeOf(text: string): Promise<NamedStore | null> {
    if (text === this.#served?.text) return this.#shared.followed
    const { file } = this.#options
    const control = controlOf(await this.#loader.parse(text, file, process.env))
    if (control === null) return this.#shared.followed
    const named = await this.#shared.named(control)
    const copy = named?.started.copy ?? null
    if (copy === null || this.#served !== null) return named
    await this.#commitCopy(text, { origin: copy.config.origin, items: SortedTexts.from(copy.served) })
    return named
  }

  /** At the start nothing serves: what served before and is refused now counts no more. False: there is no such thing. */
  async #forget(problems: readonly Problem[], text: string, shared: StoredConfig | null): Promise<boolean> {
    if (this.#served !== null || shared === null) return false
    const { origin } = shared
    const refused = problems.filter(({ file }) => file.startsWith(origin)).map(({ file }) => file.slice(origin.length))
    const copied = this.#copied.with(new Map(refused.map((key) => [key, null])))
    if (copied === this.#copied) return false
    this.#loader = new ConfigLoader()
    await this.#commitCopy(text, { origin, items: copied })
    return true
  }

  async #commitCopy(text: string, copied: SharedConfig & { readonly items: SortedTexts }): Promise<void> {
    this.#loader.commit((await this.#validate(text, copied, true)).valid)
    this.#copied = copied.items
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
    const { newest } = history
    if (this.#served !== null || newest === null) return Math.max(this.version, newest?.version ?? 0) + 1
    return history.textsOf(newest.version)?.get(FILE_ITEM) === text ? newest.version : newest.version + 1
  }

  async #record(served: Served, before: Served | null, why: string, by: Authorship | null): Promise<void> {
    const { version, validated, shared } = served
    const { history } = this.#records!
    // An etcd that has lost its data comes to the same version again, with another marker.
    const isSame = before?.version === version && before.shared?.marker === shared?.marker
    if (isSame || version === 0) return
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
    const followed = this.#shared.followed
    return { ...this.#served!, store: followed?.store ?? null, seen: followed?.latest.commit.version ?? 0 }
  }

  #refuse(error: unknown): void {
    if (this.#adoption?.text === this.#text) this.#adoption.failure ??= error as Error
    this.#announcements.refused(error, this.#standing)
    this.#authority.settled(this.#offered, error as Error)
  }
}

/** What a file says of its sources; null when that cannot be told. */
function controlOf({ value }: ConfigDocument): ControlConfig | null {
  if (!isRecord(value)) return null
  const control = value['control'] ?? {}
  let faultless = true
  const read = inspect(ControlSchema, control, ['control'], () => (faultless = false))
  return faultless ? (read as ControlConfig) : null
}

function isSame(before: ReadonlyMap<string, Plugin>, now: ReadonlyMap<string, Plugin>): boolean {
  return before.size === now.size && [...now].every(([name, plugin]) => before.get(name) === plugin)
}
