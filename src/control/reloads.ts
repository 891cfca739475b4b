// What became of the configurations that were offered.
import type { Metrics } from '../telemetry/metrics.ts'

export interface RejectedReload {
  /** Unix ms */
  readonly time: number
  readonly problems: readonly string[]
}

export class Reloads {
  applied = 0
  rejected = 0
  /** Unix ms since when the one that serves does. */
  since = 0
  /** Why the latest was rejected; null when it was not. */
  lastError: RejectedReload | null = null
  #latest = 0

  /** `version`: of the configuration that serves; undefined before the first. */
  constructor(metrics: Metrics, version: () => number | undefined) {
    metrics.collect('gauge', 'sluice_config_version', 'Version of the configuration that serves', () => {
      const value = version()
      return value === undefined ? [] : [{ labels: {}, value }]
    })
    metrics.collect('counter', 'sluice_config_reloads_total', 'Reloads by what became of them', () => [
      { labels: { result: 'applied' }, value: this.applied },
      { labels: { result: 'rejected' }, value: this.rejected },
    ])
    metrics.collect(
      'gauge',
      'sluice_config_last_reload_successful',
      '1 while the latest configuration serves, 0 after one was rejected',
      () => [{ labels: {}, value: this.lastError === null ? 1 : 0 }],
    )
    metrics.collect(
      'gauge',
      'sluice_config_last_reload_timestamp_seconds',
      'Unix time of the latest reload, applied or not; of the start before the first',
      () => [{ labels: {}, value: this.#latest / 1000 }],
    )
  }

  /** The first configuration serves: that is no reload. */
  start(): void {
    this.#latest = this.since = Date.now()
  }

  /** `problems`: of the parts that were left in their former form. */
  apply(problems: readonly string[] = []): void {
    this.applied++
    this.#latest = this.since = Date.now()
    this.lastError = problems.length === 0 ? null : { time: this.#latest, problems }
  }

  reject(problems: readonly string[]): void {
    this.rejected++
    this.#latest = Date.now()
    this.lastError = { time: this.#latest, problems }
  }
}
