// From sources of configuration to what serves: reads, validates, has it prepared, activates. One configuration at a time is on
// its way; what changes meanwhile comes next, in its latest form.
import { formatProblem } from '../config/problem.ts'
import type { Plugin } from '../contract/plugin.ts'
import type { Logger } from '../telemetry/logger.ts'
import { DirectoryWatch } from './directory-watch.ts'
import { FileSource } from './file-source.ts'
import { foldersOf, PluginFiles } from './plugin-directory.ts'
import { InvalidConfiguration, validate, type Validated } from './publish.ts'
import type { Reloads } from './reloads.ts'
import type { Serving } from './serving.ts'

/** Why the configuration is looked at again. */
const PLUGIN_FILES = 'plugin files'

export interface ControlPlaneOptions {
  /** Absolute path. */
  readonly file: string
  readonly builtIn: readonly Plugin[]
  readonly log: Logger
  readonly reloads: Reloads
  readonly serving: Serving
}

export class ControlPlane {
  readonly #options: ControlPlaneOptions
  readonly #log: Logger
  readonly #source: FileSource
  readonly #files = new PluginFiles()
  readonly #pluginWatch: DirectoryWatch
  #closed = false
  /** The text and the plugins of what serves. */
  #text = ''
  #served: Validated | null = null
  #version = 0

  constructor(options: ControlPlaneOptions) {
    const { file, log } = options
    this.#options = options
    this.#log = log
    this.#source = new FileSource(file, {
      changed: (text, why) => this.#reload(text, why),
      failed: (error) => log.error({ file, err: error }, 'configuration file cannot be read; the last good one serves'),
    })
    this.#pluginWatch = new DirectoryWatch(
      () => void this.#source.check(true, PLUGIN_FILES),
      (error) => log.error({ err: error }, 'a plugin directory cannot be watched'),
    )
  }

  /** Of the configuration that serves; 0 before the first. */
  get version(): number {
    return this.#version
  }

  /** Makes the first configuration serve. Rejects with InvalidConfiguration, or with the error of a file or an address. */
  async start(): Promise<void> {
    const text = await this.#source.read()
    await this.#publish(text, true, 'start')
    await this.#source.watch()
    this.#options.reloads.start()
  }

  /** Reads everything again now, as SIGHUP asks. */
  reload(): Promise<void> {
    return this.#source.check(true)
  }

  /** File of a plugin of the user's own; null for others. */
  fileOf(plugin: Plugin): string | null {
    return this.#files.fileOf(plugin)
  }

  /** Nothing more is read; what is on its way may still fail. */
  close(): void {
    this.#closed = true
    this.#source.close()
    this.#pluginWatch.close()
  }

  // An invalid configuration changes nothing: the last good one keeps serving. Where only new versions of plugin files stand in
  // the way, their last good versions are taken.
  async #reload(text: string, why: string): Promise<void> {
    try {
      await this.#republish(text, true, why)
    } catch (error) {
      if (this.#closed) return
      this.#reject(error)
      if (!this.#files.changed) return
      try {
        await this.#republish(text, false, why)
      } catch (again) {
        this.#reject(again)
      }
    }
  }

  async #republish(text: string, newest: boolean, why: string): Promise<void> {
    const validated = await this.#publish(text, newest, why)
    if (validated === null) return
    this.#options.reloads.apply()
    const routes = validated.valid.config.routes.length
    this.#log.info({ version: this.#version, routes, why: why || undefined }, 'configuration reloaded')
  }

  /** null: there was nothing to change. */
  async #publish(text: string, newest: boolean, why: string): Promise<Validated | null> {
    const { file, builtIn, serving } = this.#options
    const validated = await validate(text, file, builtIn, { files: this.#files, newest })
    // The watch of plugin files tells more often than they change.
    if (why === PLUGIN_FILES && text === this.#text && isSame(this.#served!.plugins, validated.plugins)) {
      this.#warn(validated)
      return null
    }
    const version = this.#version + 1
    const prepared = await serving.prepare({ validated, version, why })
    await prepared.activate()
    this.#version = version
    this.#text = text
    this.#served = validated
    await this.#settle(validated)
    return validated
  }

  /** What is served now: these plugin files are good, and they and their folders are watched. */
  async #settle(validated: Validated): Promise<void> {
    const { plugins, pluginDirectories } = validated
    this.#files.commit(plugins.values())
    this.#warn(validated)
    const folders = await Promise.all(pluginDirectories.map(foldersOf))
    // What has changed between the look at the files and the watch is seen by another look.
    if (this.#pluginWatch.set(folders.flat())) this.#pluginWatch.schedule()
  }

  #warn({ warnings }: Validated): void {
    for (const warning of warnings)
      this.#log.error({ problem: formatProblem(warning) }, 'plugin file rejected; its last good version serves')
  }

  #reject(error: unknown): void {
    const problems = error instanceof InvalidConfiguration ? error.problems.map(formatProblem) : undefined
    this.#options.reloads.reject(problems ?? [String(error)])
    this.#log.error(
      { problems, err: problems === undefined ? error : undefined },
      'configuration rejected; the last good one serves',
    )
  }
}

function isSame(before: ReadonlyMap<string, Plugin>, now: ReadonlyMap<string, Plugin>): boolean {
  return before.size === now.size && [...now].every(([name, plugin]) => before.get(name) === plugin)
}
