// Wires the rooms together: the only file that knows everyone.
import { readdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { startAdmin, type AdminListener } from './admin/server.ts'
import { LiveStats, type StatsSource } from './admin/live-stats.ts'
import { exposeOwn } from './admin/own-metrics.ts'
import { SnapshotHistory } from './admin/snapshot-history.ts'
import type { AdminState } from './admin/state.ts'
import type { StatsReport } from './admin/stats-report.ts'
import { canonicalPath } from './base/canonical-path.ts'
import { LiveStates } from './base/live-states.ts'
import { TimerWheel } from './base/timer-wheel.ts'
import type { PluginInstance } from './chain/instance.ts'
import type { CompiledSnapshot, LiveState } from './compile/snapshot.ts'
import { formatProblem } from './config/problem.ts'
import { logSettings } from './compile/log-settings.ts'
import type { GatewayConfig, ListenerConfig } from './config/schema.ts'
import type { RequestListener } from './contract/listener.ts'
import type { Plugin } from './contract/plugin.ts'
import { DirectoryWatch } from './control/directory-watch.ts'
import { FileSource } from './control/file-source.ts'
import { foldersOf, loadPlugin, PluginFiles } from './control/plugin-directory.ts'
import { PluginHosts } from './control/plugin-host.ts'
import { Reloads } from './control/reloads.ts'
import { compile, InvalidConfiguration, start, validate, type Validated } from './control/publish.ts'
import { LimitRoom } from './limits/limits.ts'
import { listenNode } from './listeners/node/listener.ts'
import { listenUws } from './listeners/uws/listener.ts'
import { ListenerSet } from './process/listener-set.ts'
import { MainRoad } from './road/handle.ts'
import { retire, swap } from './road/pin.ts'
import type { RoadState } from './road/state.ts'
import type { Durations } from './telemetry/durations.ts'
import type { LatencyStats } from './telemetry/latencies.ts'
import type { Logger } from './telemetry/logger.ts'
import type { Logs } from './telemetry/logs.ts'
import { Metrics, SERIES_BUDGET } from './telemetry/metrics.ts'
import { RequestMetrics, type RequestTotals } from './telemetry/request-metrics.ts'
import { RuntimeMetrics } from './telemetry/runtime-metrics.ts'
import { Scrapes } from './telemetry/scrapes.ts'
import type { LogCounts } from './telemetry/log-counts.ts'
import type { SpanCounts } from './telemetry/span.ts'
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
    requests: new RequestMetrics(metrics),
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
export class Gateway implements AdminState, StatsSource {
  ready = false
  readonly metrics = new Metrics()
  readonly scrapes = new Scrapes(this.metrics)
  readonly runtime = new RuntimeMetrics(this.metrics)
  readonly reloads = new Reloads(this.metrics, () => this.#snapshot?.version)
  readonly liveStats = new LiveStats(this)
  readonly history = new SnapshotHistory()
  /** Of the configuration that serves. */
  #text = ''
  readonly #file: string
  readonly #logs: Logs
  readonly #log: Logger
  readonly #wheel = new TimerWheel()
  readonly #listeners = new ListenerSet((config) => this.#open(config))
  readonly #builtIn: readonly Plugin[]
  readonly #source: FileSource
  readonly #files = new PluginFiles()
  readonly #pluginWatch: DirectoryWatch
  readonly #stopping = new Set<Promise<void>>()
  /** Aborted when the gateway stops: a reload that is on its way must not open anything then. */
  readonly #ending = new AbortController()
  #admin: { readonly bind: string; readonly listener: AdminListener } | null = null
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
    exposeOwn(this.metrics, this)
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

  get file(): string {
    return this.#file
  }

  get log(): Logger {
    return this.#log
  }

  get plugins(): LiveState['plugins'] {
    return this.#live.plugins
  }

  get underWay(): RoadState {
    return this.#road.state
  }

  fileOf(plugin: Plugin): string | null {
    return this.#files.fileOf(plugin)
  }

  get listeners(): readonly RequestListener[] {
    return this.#listeners.all
  }

  get inFlight(): number {
    return this.#road?.state.inFlight ?? 0
  }

  get totals(): RequestTotals {
    return this.#live.requests.totals()
  }

  get logCounts(): LogCounts {
    return this.#logs.counts
  }

  get spanCounts(): SpanCounts | null {
    return this.#snapshot.tracing === null ? null : this.#live.traces.counts
  }

  stats(): Promise<StatsReport> {
    return this.liveStats.report()
  }

  latencyOf(durations: Durations): LatencyStats | null {
    return this.liveStats.latencyOf(durations)
  }

  async #start(): Promise<void> {
    this.#text = await this.#source.read()
    const validated = await validate(this.#text, this.#file, this.#builtIn, { files: this.#files })
    this.#observe(validated.valid.config)
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
    this.#road = new MainRoad(this.#snapshot, this.#live.requests, this.#wheel, this.#log)
    this.history.published(this.#snapshot)
    const { config } = validated.valid
    await this.#listen(config)
    await this.#source.watch()
    await this.#settle(validated)
    this.reloads.start()
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
    const change = await this.#listeners.change(config.listeners)
    const { bind, token = null } = config.admin ?? {}
    let admin = bind === this.#admin?.bind ? this.#admin : null
    try {
      this.#ending.signal.throwIfAborted()
      if (bind !== undefined && admin === null) {
        this.scrapes.prepare()
        admin = { bind, listener: await startAdmin(bind, token, this) }
      }
      // Who stops knows nothing of what is opened meanwhile.
      this.#ending.signal.throwIfAborted()
    } catch (error) {
      change.undo()
      if (admin !== this.#admin) admin?.listener.close()
      throw error
    }
    change.keep(config.drainTimeout ?? DRAIN_TIMEOUT)
    if (admin !== this.#admin) this.#admin?.listener.close()
    const opened = admin === null || admin === this.#admin ? change.opened : [...change.opened, admin.listener]
    this.#admin = admin
    admin?.listener.useToken(token)
    for (const { name, address, port } of opened) this.#log.info({ listener: name, address, port }, 'listening')
  }

  #open(config: ListenerConfig): Promise<RequestListener> {
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
    this.#observe(validated.valid.config)
    this.#live = live
    this.#text = text
    this.#snapshot = next
    swap(this.#road.state, next)
    this.reloads.apply()
    this.history.published(next)
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
    this.reloads.reject(problems ?? [String(error)])
    this.#log.error(
      { problems, err: problems === undefined ? error : undefined },
      'configuration rejected; the last good one serves',
    )
  }

  #observe(config: GatewayConfig): void {
    this.#logs.apply(logSettings(config))
    this.metrics.budget = config.observability?.metrics?.series ?? SERIES_BUDGET
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
    const left = await this.#listeners.drain(limit)
    this.#admin?.listener.close()
    this.runtime.close()
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
