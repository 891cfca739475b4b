// What the gateway lends to one instance of a plugin. Everything that is taken here is given back when the instance
// stops, whether or not the plugin remembers it.
import type { Limits } from './limits.ts'
import type { Counter, Gauge, Labels } from '../telemetry/metrics.ts'
import type { LogOutput } from '../telemetry/logs.ts'
import type { Auth } from './auth.ts'

export type { Counter, Gauge, Labels } from '../telemetry/metrics.ts'
export type { LogOutput } from '../telemetry/logs.ts'

export interface PluginLogger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** Names are prefixed with `sluice_plugin_NAME_`. */
export interface PluginMetrics {
  counter(name: string, help: string, labels?: Labels): Counter
  gauge(name: string, help: string, labels?: Labels): Gauge
  /** A gauge with one value per label set, asked for when somebody reads. */
  collect(
    name: string,
    help: string,
    values: () => readonly { readonly labels: Labels; readonly value: number }[],
  ): void
}

export interface Host {
  /** Structured logger of this instance. */
  readonly log: PluginLogger
  readonly metrics: PluginMetrics
  /** A log of the plugin's own: `stdout`, `stderr` or the path of a file. Closed when the instance stops. */
  openLog(destination: string): LogOutput
  /** Where the configuration asks for this instance first: `plugins`, `paths./api/**` or `routes[users].plugins`. */
  readonly place: string
  readonly limits: Limits
  /** Checking of signed tokens. */
  readonly auth: Auth
  /** Aborted when the instance stops. */
  readonly signal: AbortSignal
  /** Runs `task` every `ms` until the instance stops. A task that throws or rejects is logged. */
  every(ms: number, task: () => unknown): void
  /** Runs `task` once, unless the instance stops before. */
  after(ms: number, task: () => unknown): void
  /**
   * State that all instances of this plugin share by `key`, also across reloads: made when the first asks, closed when
   * the last has stopped.
   */
  shared<T>(key: string, create: () => T, close?: (value: T) => unknown): T
  /** Keeps `thing` until the instance stops, then closes it. What does not close in time is reported as `what`. */
  own<T>(what: string, thing: T, close: (thing: T) => unknown): T
}
