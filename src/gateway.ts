// Wires the rooms together: the only file that knows everyone.
import { readdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { startAdmin } from './admin/server.ts'
import { canonicalPath } from './base/canonical-path.ts'
import { LiveStates } from './base/live-states.ts'
import { TimerWheel } from './base/timer-wheel.ts'
import type { PluginInstance } from './chain/instance.ts'
import type { CompiledSnapshot, LiveState } from './compile/snapshot.ts'
import { formatProblem } from './config/problem.ts'
import { logSettings } from './compile/log-settings.ts'
import type { GatewayConfig, ListenerConfig } from './config/schema.ts'
import type { Listener } from './contract/listener.ts'
import type { Plugin } from './contract/plugin.ts'
import { DirectoryWatch } from './control/directory-watch.ts'
import { FileSource } from './control/file-source.ts'
import { foldersOf, loadPlugin, PluginFiles } from './control/plugin-directory.ts'
import { PluginHosts } from './control/plugin-host.ts'
import { compile, InvalidConfiguration, start, validate, type Validated } from './control/publish.ts'
import { LimitRoom } from './limits/limits.ts'
import { listenNode } from './listeners/node/listener.ts'
import { listenUws } from './listeners/uws/listener.ts'
import { drain } from './process/drain.ts'
import { MainRoad } from './road/handle.ts'
import { retire, swap } from './road/pin.ts'
import type { Logger } from './telemetry/logger.ts'
import type { Logs } from './telemetry/logs.ts'
import { Metrics } from './telemetry/metrics.ts'
import { TraceExports } from './telemetry/trace-exports.ts'
import { exposeUpstreams } from './upstreams/metrics.ts'
import { UpstreamStates } from './upstreams/states.ts'
import { undiscovered, type LiveUpstream } from './upstreams/upstream.ts'

const BUILT_IN_PLUGINS = new URL('../plugins/', import.meta.url)

/** The plugins that come with the gateway. */
export async function builtInPlugins(): Promise<Plugin[]> {
  const entries = await readdir(BUILT_IN_PLUGINS, { withFileTypes: true })
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
  return Promise.all(
    names.toSorted().map((name) => loadPlugin(new URL(`${name}/plugin.ts`, BUILT_IN_PLUGINS).pathname)),
  )
}

export interface LiveStateOptions {
  readonly metrics?: Metrics
  /** Told of everything that takes a while to stop: plugin instances, exports of traces. */
  readonly stopping?: (stop: Promise<void>) => void
  /** False: the configuration is only looked at, and nothing is asked over the network. */
  readonly serving?: boolean
}

/** State that outlives snapshots; empty at first. */
export function createLiveState(
  plugins: ReadonlyMap<string, Plugin>,
  wheel: TimerWheel,
  logs: Logs,
  { metrics = new Metrics(), stopping = () => {}, serving = true }: LiveStateOptions = {},
): LiveState {
  const { log } = logs
  const hosts = new PluginHosts(log, metrics, new LimitRoom(log, metrics), logs)
  return {
    upstreams: new UpstreamStates(wheel, log, serving),
    plugins: {
      available: plugins,
      instances: new LiveStates<PluginInstance>((instance) => stopping(stopInstance(instance, log))),
      host: (plugin, place) => hosts.for(plugin, place),
    },
    traces: new TraceExports(log, stopping),
  }
}

/** Never rejects: an instance that fails to stop, or leaves something behind, is reported by name. */
async function stopInstance(instance: PluginInstance, log: Logger): Promise<void> {
  const { plugin } = instance
  try {
    const left = await instance.stop()
    if (left.length > 0) log.error({ plugin, left }, 'plugin left something behind')
  } catch (error) {
    log.error({ plugin, err: error }, 'plugin failed to stop')
  }
}

/** A running gateway on one configuration file. */
export class Gateway {
  ready = false
  readonly metrics = new Metrics()
  /** Of the configuration that serves. */
  #text = ''
  readonly #file: string
  readonly #logs: Logs
  readonly #log: Logger
  readonly #wheel = new TimerWheel()
  readonly #listeners = new Map<string, Listener>()
  readonly #builtIn: readonly Plugin[]
  readonly #source: FileSource
  readonly #files = new PluginFiles()
  readonly #pluginWatch: DirectoryWatch
  readonly #stopping = new Set<Promise<void>>()
  /** Aborted when the gateway stops: a reload that is on its way must not open anything then. */
  readonly #ending = new AbortController()
  #admin: { readonly bind: string; readonly listener: Listener } | null = null
  #live!: LiveState
  #road!: MainRoad
  #snapshot!: CompiledSnapshot

  private constructor(file: string, builtIn: readonly Plugin[], logs: Logs) {
    const { log } = logs
    this.#file = file
    this.#builtIn = builtIn
    this.#logs = logs
    this.#log = log
    exposeUpstreams(this.metrics, () => this.#snapshot.upstreams.values())
    this.metrics.collect('counter', 'sluice_log_entries_total', 'Log entries, and what became of them', () =>
      logs.counts.samples(),
    )
    this.#source = new FileSource(file, {
      changed: (text, why) => this.#reload(text, why),
      failed: (error) => log.error({ file, err: error }, 'configuration file cannot be read; the last good one serves'),
    })
    this.#pluginWatch = new DirectoryWatch(
      () => void this.#source.check(true, PLUGIN_FILES),
      (error) => log.error({ err: error }, 'a plugin directory cannot be watched'),
    )
  }

  /** Reads, compiles and listens. Rejects with InvalidConfiguration, or with the error of a file or an address. */
  static async start(file: string, logs: Logs): Promise<Gateway> {
    const gateway = new Gateway(resolve(file), await builtInPlugins(), logs)
    try {
      await gateway.#start()
    } catch (error) {
      await gateway.stop(0)
      throw error
    }
    return gateway
  }

  get snapshot(): CompiledSnapshot {
    return this.#snapshot
  }

  get upstreams(): Iterable<LiveUpstream> {
    return this.#snapshot.upstreams.values()
  }

  async #start(): Promise<void> {
    this.#text = await this.#source.read()
    const validated = await validate(this.#text, this.#file, this.#builtIn, { files: this.#files })
    this.#logs.apply(logSettings(validated.valid.config))
    this.#live = createLiveState(validated.plugins, this.#wheel, this.#logs, {
      metrics: this.metrics,
      stopping: (stop) => this.#awaitStop(stop),
    })
    this.metrics.collect('counter', 'sluice_trace_spans_total', 'Spans of traces, and what became of them', () =>
      this.#live.traces.counts.samples(),
    )
    this.#snapshot = compile(validated, 1, this.#live)
    try {
      await start(validated, this.#live)
      await this.#live.traces.load()
      await this.#discover(this.#snapshot)
    } catch (error) {
      this.#snapshot.release()
      throw error
    }
    this.#road = new MainRoad(this.#snapshot, this.#wheel, this.#log)
    const { config } = validated.valid
    await this.#listen(config)
    await this.#source.watch()
    await this.#settle(validated)
    this.ready = true
    this.#log.info({ version: 1, routes: config.routes.length }, 'ready')
  }

  /** Waits, for a while, until endpoints that are to be found were: a new snapshot must not begin without any. */
  async #discover({ upstreams }: CompiledSnapshot): Promise<void> {
    for (const name of await undiscovered(upstreams.values(), DISCOVERY_TIMEOUT, this.#ending.signal)) {
      const why = upstreams.get(name)!.source!.source.error?.message
      this.#log.warn({ upstream: name, why }, 'discovery has not told any endpoints yet')
    }
  }

  /** Opens what is new, then closes what is gone. Rejects, with nothing changed, when an address cannot be had. */
  async #listen(config: GatewayConfig): Promise<void> {
    const wanted = new Map(config.listeners.map((listener) => [listenerKey(listener), listener]))
    const opened: [string, Listener][] = []
    let admin = this.#admin
    try {
      for (const [key, listener] of wanted) {
        if (!this.#listeners.has(key)) opened.push([key, await this.#open(listener)])
      }
      this.#ending.signal.throwIfAborted()
      const bind = config.admin?.bind
      if (bind !== admin?.bind) admin = bind === undefined ? null : { bind, listener: await startAdmin(bind, this) }
    } catch (error) {
      for (const [, listener] of opened) listener.close()
      throw error
    }
    for (const [key, listener] of opened) this.#listeners.set(key, listener)
    for (const [key, listener] of this.#listeners) {
      if (wanted.has(key)) continue
      this.#listeners.delete(key)
      const limit = config.drainTimeout ?? DRAIN_TIMEOUT
      void drain([listener], limit)
    }
    if (admin !== this.#admin) {
      this.#admin?.listener.close()
      this.#admin = admin
    }
    for (const listener of [...opened.map(([, listener]) => listener), ...(admin === null ? [] : [admin.listener])]) {
      const { name, address, port } = listener
      this.#log.info({ listener: name, address, port }, 'listening')
    }
  }

  #open(config: ListenerConfig): Promise<Listener> {
    const rules = config.canonicalPath ?? {}
    const options = {
      name: config.name,
      bind: config.bind,
      canonicalPath: (raw: string) => canonicalPath(raw, rules),
    }
    return config.engine === 'node' ? listenNode(options, this.#road) : listenUws(options, this.#road)
  }

  /** Reads the file again now, as SIGHUP asks. */
  reload(): Promise<void> {
    return this.#source.check(true)
  }

  // An invalid configuration changes nothing: the last good snapshot keeps serving. Where only new versions of plugin files
  // stand in the way, their last good versions are taken.
  async #reload(text: string, why: string): Promise<void> {
    try {
      await this.#publish(text, true, why)
    } catch (error) {
      if (this.#ending.signal.aborted) return
      this.#reject(error)
      if (!this.#files.changed) return
      try {
        await this.#publish(text, false, why)
      } catch (again) {
        this.#reject(again)
      }
    }
  }

  async #publish(text: string, newest: boolean, why: string): Promise<void> {
    const validated = await validate(text, this.#file, this.#builtIn, { files: this.#files, newest })
    const { available } = this.#live.plugins
    // The watch of plugin files tells more often than they change.
    if (why === PLUGIN_FILES && text === this.#text && isSame(available, validated.plugins)) {
      this.#warn(validated)
      return
    }
    const live: LiveState = { ...this.#live, plugins: { ...this.#live.plugins, available: validated.plugins } }
    const next = compile(validated, this.#snapshot.version + 1, live)
    try {
      await start(validated, live)
      await live.traces.load()
      await this.#discover(next)
      await this.#listen(validated.valid.config)
    } catch (error) {
      next.release()
      throw error
    }
    this.#logs.apply(logSettings(validated.valid.config))
    this.#live = live
    this.#text = text
    this.#snapshot = next
    swap(this.#road.state, next)
    await this.#settle(validated)
    this.#log.info({ version: next.version, routes: next.routes.length }, 'configuration reloaded')
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
    for (const warning of warnings) {
      this.#log.error({ problem: formatProblem(warning) }, 'plugin file rejected; its last good version serves')
    }
  }

  #reject(error: unknown): void {
    const problems = error instanceof InvalidConfiguration ? error.problems.map(formatProblem) : undefined
    this.#log.error(
      { problems, err: problems === undefined ? error : undefined },
      'configuration rejected; the last good one serves',
    )
  }

  #awaitStop(stop: Promise<void>): void {
    this.#stopping.add(stop)
    void stop.then(() => this.#stopping.delete(stop))
  }

  /** Stops accepting, lets requests finish for at most `limit` ms, closes everything. Resolves with requests cut off. */
  async stop(limit = this.#snapshot?.config.drainTimeout ?? DRAIN_TIMEOUT): Promise<number> {
    this.ready = false
    this.#ending.abort(new Error('the gateway stops'))
    this.#source.close()
    this.#pluginWatch.close()
    const left = await drain([...this.#listeners.values()], limit)
    this.#admin?.listener.close()
    if (this.#road !== undefined) retire(this.#road.state.current)
    // A request that was cut off may hold its snapshot, and with it the export, a little longer.
    await Promise.all([...this.#stopping, this.#live?.traces.close()])
    return left
  }
}

const DRAIN_TIMEOUT = 30_000
const DISCOVERY_TIMEOUT = 5_000
/** Why the configuration is looked at again. */
const PLUGIN_FILES = 'plugin files'

function isSame(before: ReadonlyMap<string, Plugin>, now: ReadonlyMap<string, Plugin>): boolean {
  return before.size === now.size && [...now].every(([name, plugin]) => before.get(name) === plugin)
}

/** Everything that decides whether a running listener can stay as it is. */
function listenerKey(config: ListenerConfig): string {
  return JSON.stringify([config.name, config.bind, config.engine ?? 'uws', config.canonicalPath ?? {}])
}
