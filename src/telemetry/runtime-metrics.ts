// What the process itself does: how late its event loop is, how long garbage collection stops it, what it holds.
import { readdir, readFile } from 'node:fs/promises'
import { constants, performance, PerformanceObserver, type PerformanceEntry } from 'node:perf_hooks'
import { Durations } from './durations.ts'
import { RecentLatencies, type LatencyStats } from './latencies.ts'
import type { Metrics, Series } from './metrics.ts'
import { histogramSeries } from './request-metrics.ts'

/** ms between looks at how late the event loop is: each wakes the process up. */
const INTERVAL = 20
/** ms between looks at the descriptors: a directory with an entry for each is read. */
const DESCRIPTORS_INTERVAL = 1000
const GC_KINDS: Readonly<Record<number, string>> = {
  [constants.NODE_PERFORMANCE_GC_MINOR]: 'minor',
  [constants.NODE_PERFORMANCE_GC_MAJOR]: 'major',
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: 'incremental',
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: 'weak',
}
const OTHER_GC = 'other'

export interface GcPauses {
  readonly pauses: number
  /** ms */
  readonly total: number
  readonly longest: number
}

export class RuntimeMetrics {
  readonly #lag = new Durations()
  readonly #recentLag = new RecentLatencies()
  /** By kind. All begin at 0: of a counter that appears later nobody sees the first step. */
  readonly #pauses = new Map([...Object.values(GC_KINDS), OTHER_GC].map((kind) => [kind, new Durations()]))
  readonly #observer: PerformanceObserver
  readonly #timer: NodeJS.Timeout
  #longestPause = 0
  #due = performance.now() + INTERVAL
  #descriptors: number | null = null
  #descriptorsAt = -Infinity
  #descriptorLimit: number | null = null

  constructor(metrics: Metrics) {
    this.#timer = setInterval(() => this.#tick(), INTERVAL)
    this.#timer.unref()
    this.#observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) this.#paused(entry)
    })
    this.#observer.observe({ entryTypes: ['gc'] })
    void readLimit().then((limit) => (this.#descriptorLimit = limit))
    void this.descriptors()
    this.#expose(metrics)
  }

  close(): void {
    clearInterval(this.#timer)
    this.#observer.disconnect()
  }

  /** By how much timers were late, of the last 10 to 20 seconds; null before the first look. */
  get lag(): LatencyStats | null {
    return this.#recentLag.stats([this.#lag], performance.now())
  }

  get gc(): GcPauses {
    const all = [...this.#pauses.values()]
    return {
      pauses: all.reduce((sum, { count }) => sum + count, 0),
      total: all.reduce((sum, { sum: seconds }) => sum + seconds * 1000, 0),
      longest: this.#longestPause,
    }
  }

  /** Open descriptors, as they were at most a second ago; null where the system does not tell. */
  async descriptors(): Promise<number | null> {
    const time = performance.now()
    if (time - this.#descriptorsAt < DESCRIPTORS_INTERVAL) return this.#descriptors
    this.#descriptorsAt = time
    try {
      this.#descriptors = (await readdir('/proc/self/fd')).length
    } catch {
      this.#descriptors = null
    }
    return this.#descriptors
  }

  #tick(): void {
    const time = performance.now()
    this.#lag.record(time - this.#due)
    this.#due = time + INTERVAL
  }

  #paused(entry: PerformanceEntry): void {
    const { duration } = entry
    const { detail } = entry as { readonly detail?: { readonly kind: number } }
    this.#pauses.get(GC_KINDS[detail?.kind ?? -1] ?? OTHER_GC)!.record(duration)
    if (duration > this.#longestPause) this.#longestPause = duration
  }

  #expose(metrics: Metrics): void {
    const pauses = this.#pauses
    metrics.collect('summary', 'sluice_eventloop_lag_seconds', 'By how much timers were late, of late', () =>
      this.#lagSeries(),
    )
    metrics.collect('histogram', 'sluice_gc_pause_seconds', 'Pauses of garbage collection', function* () {
      for (const [kind, durations] of pauses) yield* histogramSeries({ kind }, durations)
    })
    const gauge = (name: string, help: string, value: () => number | null): void => {
      metrics.collect('gauge', name, help, () => only(value()))
    }
    metrics.collect('counter', 'process_cpu_seconds_total', 'CPU time, user and system', () => only(cpuSeconds()))
    gauge('process_start_time_seconds', 'Unix time of the start', () => performance.timeOrigin / 1000)
    gauge('process_resident_memory_bytes', 'Memory that is not swapped out', () => process.memoryUsage.rss())
    gauge('process_open_fds', 'Open descriptors', () => {
      void this.descriptors()
      return this.#descriptors
    })
    gauge('process_max_fds', 'Descriptors that may be open', () => this.#descriptorLimit)
    // One look for all three of a scrape: each takes tens of microseconds.
    let memory = process.memoryUsage()
    gauge('nodejs_heap_size_used_bytes', 'Live and dead objects', () => (memory = process.memoryUsage()).heapUsed)
    gauge('nodejs_heap_size_total_bytes', 'Heap with what is free in it', () => memory.heapTotal)
    gauge('nodejs_external_memory_bytes', 'Buffers outside the heap', () => memory.external)
  }

  *#lagSeries(): Iterable<Series> {
    const { lag } = this
    const labels = {}
    if (lag !== null) {
      yield { labels, own: { quantile: '0.5' }, value: lag.p50 / 1000 }
      yield { labels, own: { quantile: '0.9' }, value: lag.p90 / 1000 }
      yield { labels, own: { quantile: '0.99' }, value: lag.p99 / 1000 }
      yield { labels, own: { quantile: '1' }, value: lag.max / 1000 }
    }
    yield { labels, suffix: '_sum', value: this.#lag.sum }
    yield { labels, suffix: '_count', value: this.#lag.count }
  }
}

/** User and system, s. */
export function cpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

function only(value: number | null): Series[] {
  return value === null ? [] : [{ labels: {}, value }]
}

/** Soft limit of open descriptors; null where the system does not tell. */
async function readLimit(): Promise<number | null> {
  try {
    const limits = await readFile('/proc/self/limits', 'utf8')
    const soft = /^Max open files +(\d+)/m.exec(limits)?.[1]
    return soft === undefined ? null : Number(soft)
  } catch {
    return null
  }
}
