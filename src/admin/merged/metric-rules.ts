// How the values of several workers become one. Counters, histograms, and the sums and counts of summaries are added up;
// quantiles, which nobody can add up, are those of the worker that is worst off. Of gauges this table says it.
import type { MetricKind, Series } from '../../telemetry/metrics.ts'

export type Rule =
  | 'sum'
  | 'min'
  | 'max'
  | 'mean'
  /** A series for each process, with its number as the label `worker`. */
  | 'each'

/** Those that are not here, such as gauges of plugins, are added up. */
const GAUGES: Readonly<Record<string, Rule>> = {
  sluice_upstream_health: 'min',
  sluice_upstream_share: 'mean',
  sluice_upstream_breaker_state: 'max',
  sluice_upstream_endpoint_breaker_state: 'max',
  sluice_upstream_panic: 'max',
  sluice_ratelimit_redis_up: 'min',
  // While the workers differ, the oldest one tells what is not done yet.
  sluice_config_version: 'min',
  sluice_config_last_reload_successful: 'min',
  sluice_config_last_reload_timestamp_seconds: 'max',
  sluice_build_info: 'max',
  sluice_metrics_folded_series: 'max',
}

/** Figures of one process, which say nothing when they are added up. */
const OF_PROCESS = /^(?:process|nodejs)_/

/** What the supervisor serves no clients with: its own values would say nothing about those that do. */
const OF_WORKERS_ONLY: ReadonlySet<string> = new Set(['sluice_eventloop_lag_seconds', 'sluice_gc_pause_seconds'])

/** What the control plane knows better than the workers. */
const OF_CONTROL = /^sluice_config_/

export function ruleOf(name: string, kind: MetricKind): Rule {
  if (OF_PROCESS.test(name)) return 'each'
  return kind === 'gauge' ? (GAUGES[name] ?? 'sum') : 'sum'
}

/** Of one part: a summary has quantiles beside its sum. */
export function rulePart(rule: Rule, { own }: Series): Rule {
  return own?.['quantile'] === undefined ? rule : 'max'
}

/** Does it count since the start of a worker? Then what the dead have counted is kept. */
export function counts(kind: MetricKind, { own }: Series): boolean {
  return kind !== 'gauge' && own?.['quantile'] === undefined
}

/** Which side tells of this name: the workers, the supervisor, or both. */
export function tellers(name: string, inControl: boolean): 'workers' | 'control' | 'both' {
  if (OF_WORKERS_ONLY.has(name)) return 'workers'
  return inControl && OF_CONTROL.test(name) ? 'control' : 'both'
}
