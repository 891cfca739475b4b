// What the supervisor counts of its workers.
import type { Counter, Metrics } from '../telemetry/metrics.ts'
import { RESTART_REASONS, type RestartReason, type WorkerState } from './worker-slot.ts'

const STATES: readonly WorkerState[] = ['starting', 'ready', 'unresponsive']

export class FleetMetrics {
  readonly #restarts: Readonly<Record<RestartReason, Counter>>

  constructor(metrics: Metrics, workers: () => readonly { readonly state: WorkerState }[]) {
    const restarts = RESTART_REASONS.map((reason) => [
      reason,
      metrics.counter('sluice_worker_restarts_total', 'Workers that ended and were started again, by reason', {
        reason,
      }),
    ])
    this.#restarts = Object.fromEntries(restarts) as Record<RestartReason, Counter>
    const count = (wanted: WorkerState): number => workers().filter(({ state }) => state === wanted).length
    const labels = STATES.map((state) => ({ state }))
    metrics.collect('gauge', 'sluice_workers', 'Workers by state', () =>
      labels.map((of) => ({ labels: of, value: count(of.state) })),
    )
    const none = {}
    metrics.collect('gauge', 'sluice_worker_unresponsive', 'Workers whose event loop hangs', () => [
      { labels: none, value: count('unresponsive') },
    ])
  }

  restarted(reason: RestartReason): void {
    this.#restarts[reason].add()
  }
}
