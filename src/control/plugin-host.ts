// What plugins take from the gateway, kept per instance, so that all of it is given back when the instance stops.
import { TokenAuth } from '../auth/auth.ts'
import { LiveStates } from '../base/live-states.ts'
import { within, type InstanceHost } from '../chain/instance.ts'
import type { Host, PluginLogger } from '../contract/host.ts'
import type { Limits } from '../contract/limits.ts'
import type { StepTiming } from '../contract/snapshot.ts'
import type { Logger } from '../telemetry/logger.ts'
import { Logs } from '../telemetry/logs.ts'
import type { Metrics, Series } from '../telemetry/metrics.ts'
import { pluginMetrics } from './plugin-metrics.ts'

/** ms that one thing of a plugin may take to close. */
const CLOSE_LIMIT = 2000

interface Shared {
  readonly value: unknown
  readonly close: (value: never) => unknown
}

/** Makes the Hosts of all plugin instances of a worker. */
export class PluginHosts {
  readonly #log: Logger
  readonly #metrics: Metrics
  readonly #timings = new Map<string, StepTiming>()
  readonly #shared: LiveStates<Shared>
  readonly #limits: Limits
  readonly #logs: Logs

  constructor(log: Logger, metrics: Metrics, limits: Limits, logs = new Logs()) {
    this.#logs = logs
    this.#log = log
    this.#limits = limits
    this.#metrics = metrics
    this.#shared = new LiveStates<Shared>(
      ({ value, close }) => void this.#guard('shared state', () => close(value as never)),
    )
    metrics.collect(
      'summary',
      'sluice_plugin_duration_seconds',
      'Access and request steps until they returned, one call in 64',
      () => this.#durations(),
    )
  }

  *#durations(): Iterable<Series> {
    for (const [plugin, { calls, total }] of this.#timings) {
      const labels = { plugin }
      yield { labels, suffix: '_sum', value: total / 1000 }
      yield { labels, suffix: '_count', value: calls }
    }
  }

  /** `place`: where the configuration asks for it. */
  for(plugin: string, place: string): InstanceHost {
    let timing = this.#timings.get(plugin)
    if (timing === undefined) this.#timings.set(plugin, (timing = { calls: 0, total: 0 }))
    const logs = this.#logs
    const log = prefixed(this.#log, plugin, logs)
    const keys: string[] = []
    const taken = new Taken()
    const lent: Omit<Host, 'auth'> = {
      log,
      metrics: pluginMetrics(this.#metrics, plugin, log, (remove) => taken.add('', remove)),
      openLog(destination) {
        const output = logs.open(destination)
        taken.add(`log ${destination}`, () => output.close())
        return output
      },
      signal: taken.signal,
      place,
      limits: this.#limits,
      every(ms, task) {
        let running = false
        const timer = setInterval(() => {
          if (running) return
          running = true
          void attempt(log, task).then(() => (running = false))
        }, ms)
        timer.unref()
        taken.add('', () => clearInterval(timer))
      },
      after(ms, task) {
        const timer = setTimeout(() => void attempt(log, task), ms)
        timer.unref()
        taken.add('', () => clearTimeout(timer))
      },
      shared: <T>(key: string, create: () => T, close: (value: T) => unknown = () => {}): T => {
        const full = `${plugin} ${key}`
        const { value } = this.#shared.acquire(full, () => ({ value: create(), close }))
        keys.push(full)
        return value as T
      },
      own(what, thing, close) {
        taken.add(what, () => close(thing))
        return thing
      },
    }
    const host: Host = { ...lent, auth: new TokenAuth(lent) }
    return {
      host,
      timing,
      abort: () => taken.abort(),
      close: async () => {
        const left = await taken.close((error) => log.error({ err: error }, 'closing failed'))
        for (const key of keys.splice(0)) this.#shared.release(key)
        return left
      },
    }
  }

  async #guard(what: string, close: () => unknown): Promise<void> {
    try {
      if (!(await within(CLOSE_LIMIT, async () => close()))) this.#log.error({}, `a plugin left behind: ${what}`)
    } catch (error) {
      this.#log.error({ err: error }, `${what} of a plugin failed to close`)
    }
  }
}

/** What one instance has taken. */
class Taken {
  readonly #controller = new AbortController()
  readonly #things: { readonly what: string; readonly close: () => unknown }[] = []
  #closed = false

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  abort(): void {
    this.#controller.abort()
  }

  /** What is taken after the end is closed at once. */
  add(what: string, close: () => unknown): void {
    if (this.#closed) close()
    else this.#things.push({ what, close })
  }

  /** Latest first, as later things often stand on earlier ones. Resolves with the names of what did not close in time. */
  async close(failed: (error: unknown) => void): Promise<string[]> {
    this.#closed = true
    const left: string[] = []
    for (const { what, close } of this.#things.splice(0).toReversed()) {
      try {
        if (!(await within(CLOSE_LIMIT, async () => close()))) left.push(what)
      } catch (error) {
        failed(error)
        left.push(what)
      }
    }
    return left
  }
}

async function attempt(log: PluginLogger, task: () => unknown): Promise<void> {
  try {
    await task()
  } catch (error) {
    log.error({ err: error }, 'a timed task failed')
  }
}

/** Plugins may log for every request: their lines are sampled as those of the access log are. */
function prefixed(log: Logger, plugin: string, logs: Logs): PluginLogger {
  const sampled = (level: 'debug' | 'info' | 'warn', fields: object, message: string): void => {
    const share = logs.sample(level)
    if (share === 0) return
    log[level]({ plugin, ...fields, ...(share < 1 ? { sampled: share } : {}) }, message)
  }
  return {
    debug: (fields, message) => sampled('debug', fields, message),
    info: (fields, message) => sampled('info', fields, message),
    warn: (fields, message) => sampled('warn', fields, message),
    error: (fields, message) => log.error({ plugin, ...fields }, message),
  }
}
