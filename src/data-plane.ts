// The plane that requests go through, of one process: listeners, the road, and the live state behind it. It serves what it is
// given (Serving), and knows nothing of files, stores or other processes.
import type { ControlApi } from './admin/control-api.ts'
import { LiveStats, type StatsSource } from './admin/live-stats.ts'
import { exposeOwn } from './admin/own-metrics.ts'
import { SnapshotHistory } from './admin/snapshot-history.ts'
import type { AdminState } from './admin/state.ts'
import type { StatsReport } from './admin/stats-report.ts'
import { TimerWheel } from './base/timer-wheel.ts'
import { logSettings } from './compile/log-settings.ts'
import type { CompiledSnapshot, LiveState } from './compile/snapshot.ts'
import type { GatewayConfig } from './config/schema.ts'
import type { RequestListener } from './contract/listener.ts'
import type { Plugin } from './contract/plugin.ts'
import { compile, start } from './control/publish.ts'
import type { Reloads } from './control/reloads.ts'
import type { Candidate, Prepared, Serving } from './control/serving.ts'
import { openListener } from './listeners/open.ts'
import { createLiveState } from './live-state.ts'
import { Inheritance } from './process/inheritance.ts'
import { ListenerSet } from './process/listener-set.ts'
import type { SharedPorts } from './process/shared-ports.ts'
import { MainRoad } from './road/handle.ts'
import { retire, swap } from './road/pin.ts'
import type { Durations } from './telemetry/durations.ts'
import type { LatencyStats } from './telemetry/latencies.ts'
import type { LogCounts } from './telemetry/log-counts.ts'
import type { Logger } from './telemetry/logger.ts'
import type { Logs } from './telemetry/logs.ts'
import { type Metrics, SERIES_BUDGET } from './telemetry/metrics.ts'
import type { RequestTotals } from './telemetry/request-metrics.ts'
import { RuntimeMetrics } from './telemetry/runtime-metrics.ts'
import { Scrapes } from './telemetry/scrapes.ts'
import type { SpanCounts } from './telemetry/span.ts'
import type { LiveSource } from './upstreams/live-source.ts'
import { exposeUpstreams } from './upstreams/metrics.ts'
import { undiscovered, type LiveUpstream } from './upstreams/upstream.ts'

const DRAIN_TIMEOUT = 30_000
const DISCOVERY_TIMEOUT = 5_000

export interface DataPlaneOptions {
  readonly logs: Logs
  readonly metrics: Metrics
  readonly reloads: Reloads
  /** The configuration file. */
  readonly file: string
  /** File of a plugin of the user's own; null for those that come with the gateway. */
  readonly fileOf: (plugin: Plugin) => string | null
  readonly inheritance?: Inheritance
  /** Of a worker, which shares its ports; null: this process has its addresses for itself. */
  readonly ports?: SharedPorts | null
}

export class DataPlane implements Serving, StatsSource, AdminState {
  readonly file: string
  readonly fileOf: (plugin: Plugin) => string | null
  readonly log: Logger
  readonly metrics: Metrics
  readonly scrapes: Scrapes
  readonly runtime: RuntimeMetrics
  readonly history = new SnapshotHistory()
  /** Set by whoever has a control plane. */
  control: ControlApi | null = null
  readonly reloads: Reloads
  readonly liveStats = new LiveStats(this)
  readonly #logs: Logs
  readonly #wheel = new TimerWheel()
  readonly #listeners = new ListenerSet(async (config) => {
    const ports = this.#ports
    const place = ports?.placeOf(config) ?? this.#inheritance.placeOf(`listener ${config.name}`, config.bind)
    // A listener that is another one now takes over from the one that it was.
    const shared = place.shared || this.listeners.some(({ address }) => address === place.bind)
    const listener = await openListener(config, { ...place, shared }, this.#road!)
    ports?.opened(listener)
    return listener
  })
  readonly #ports: SharedPorts | null
  readonly #inheritance: Inheritance
  readonly #stopping = new Set<Promise<void>>()
  /** Sources of endpoints that were waited for once: one that stays silent must not hold up every reload. */
  readonly #awaited = new WeakSet<LiveSource>()
  /** Aborted when the plane stops: a configuration that is on its way must not open anything then. */
  readonly #ending = new AbortController()
  #live: LiveState
  /** null before the first configuration is prepared. */
  #road: MainRoad | null = null
  #snapshot: CompiledSnapshot | null = null

  constructor(options: DataPlaneOptions) {
    const { logs, metrics, reloads, file, fileOf, inheritance = new Inheritance(), ports = null } = options
    this.#inheritance = inheritance
    this.#ports = ports
    this.#logs = logs
    this.log = logs.log
    this.file = file
    this.fileOf = fileOf
    this.metrics = metrics
    this.scrapes = new Scrapes(metrics)
    this.reloads = reloads
    this.runtime = new RuntimeMetrics(metrics)
    this.#live = createLiveState(new Map(), this.#wheel, logs, {
      metrics,
      stopping: (stop) => this.#awaitStop(stop),
    })
    exposeUpstreams(metrics, () => this.upstreams)
    exposeOwn(metrics, this)
    const { traces } = this.#live
    metrics.collect('counter', 'sluice_trace_spans_total', 'Spans of traces, and what became of them', () =>
      traces.counts.samples(),
    )
  }

  async prepare({ validated, version }: Candidate): Promise<Prepared> {
    const { config } = validated.valid
    // The first configuration decides how its own start is told.
    if (this.#snapshot === null) this.#observe(config)
    const live: LiveState = { ...this.#live, plugins: { ...this.#live.plugins, available: validated.plugins } }
    const next = await compile(validated, version, live, this.#snapshot)
    const isFirst = this.#road === null
    let change
    try {
      await start(validated, next)
      await live.traces.load()
      await this.#discover(next)
      this.#ending.signal.throwIfAborted()
      this.#road ??= new MainRoad(next, live.requests, this.#wheel, this.log)
      change = await this.#listeners.change(config.listeners)
      // Who stops knows nothing of what is opened meanwhile.
      if (this.#ending.signal.aborted) change.undo()
      this.#ending.signal.throwIfAborted()
    } catch (error) {
      this.#drop(next, isFirst)
      throw error
    }
    const discard = async (): Promise<void> => {
      change.undo()
      this.#drop(next, isFirst)
    }
    return {
      activate: async () => {
        if (this.#ending.signal.aborted) await discard()
        this.#ending.signal.throwIfAborted()
        this.#observe(config)
        this.#live = live
        this.#snapshot = next
        if (!isFirst) swap(this.#road!.state, next)
        change.keep(config.drainTimeout ?? DRAIN_TIMEOUT)
        this.history.published(next)
        for (const { name, address, port } of change.opened)
          this.log.info({ listener: name, address, port }, 'listening')
      },
      discard,
    }
  }

  /** The road of a first configuration goes with it; it may have had requests already. */
  #drop(next: CompiledSnapshot, isFirst: boolean): void {
    if (isFirst) {
      this.#road = null
      retire(next)
    } else next.release()
  }

  get snapshot(): CompiledSnapshot {
    return this.#snapshot!
  }

  get upstreams(): Iterable<LiveUpstream> {
    return this.#snapshot?.upstreams.values() ?? []
  }

  get plugins(): LiveState['plugins'] {
    return this.#live.plugins
  }

  get underWay(): MainRoad['state'] {
    return this.#road!.state
  }

  get listeners(): readonly RequestListener[] {
    return this.#listeners.all
  }

  get inFlight(): number {
    return this.#road?.state.inFlight ?? 0
  }

  get ready(): boolean {
    return this.#snapshot !== null && !this.#ending.signal.aborted
  }

  get totals(): RequestTotals {
    return this.#live.requests.totals()
  }

  get logCounts(): LogCounts {
    return this.#logs.counts
  }

  get spanCounts(): SpanCounts | null {
    return (this.#snapshot?.tracing ?? null) === null ? null : this.#live.traces.counts
  }

  stats(): Promise<StatsReport> {
    return this.liveStats.report()
  }

  latencyOf(durations: Durations): LatencyStats | null {
    return this.liveStats.latencyOf(durations)
  }

  /** Waits, for a while, until endpoints that are to be found were: a new snapshot must not begin without any. */
  async #discover({ upstreams }: CompiledSnapshot): Promise<void> {
    const anew = [...upstreams.values()].filter(({ source }) => source !== null && !this.#awaited.has(source))
    if (anew.length === 0) return
    for (const name of await undiscovered(anew, DISCOVERY_TIMEOUT, this.#ending.signal)) {
      const why = upstreams.get(name)!.source!.source.error?.message
      this.log.warn({ upstream: name, why }, 'discovery has not told any endpoints yet')
    }
    for (const { source } of anew) this.#awaited.add(source!)
  }

  #observe(config: GatewayConfig): void {
    this.#logs.apply(logSettings(config))
    this.metrics.budget = config.observability?.metrics?.series ?? SERIES_BUDGET
  }

  #awaitStop(stop: Promise<void>): void {
    this.#stopping.add(stop)
    void stop.then(() => this.#stopping.delete(stop))
  }

  /** It is not ready from now on, and prepares nothing more; requests are served as before. */
  refuse(): void {
    this.#ending.abort(new Error('the gateway stops'))
  }

  /** Stops accepting, and lets requests finish for at most `limit` ms. `succeeded`: as Drain has it. Resolves with those cut off. */
  drain(limit?: number, succeeded = false): Promise<number> {
    this.refuse()
    const { drainTimeout = DRAIN_TIMEOUT, drainDelay = 0 } = this.#snapshot?.config ?? {}
    // Who says how long it may take is in a hurry.
    const delay = succeeded || limit !== undefined ? 0 : drainDelay
    return this.#listeners.drain({ limit: limit ?? drainTimeout, delay, succeeded })
  }

  /** After `drain`: gives back what lives behind the road. */
  async close(): Promise<void> {
    this.runtime.close()
    if (this.#road !== null) retire(this.#road.state.current)
    // A request that was cut off may hold its snapshot, and with it the export, a little longer.
    await Promise.all([...this.#stopping, this.#live.traces.close()])
  }
}
