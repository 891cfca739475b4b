// The admin listener of a gateway with several workers. Tokens are checked here: workers trust their sockets.
import type { Resource } from '../resource.ts'
import type { ResourceTable } from '../resources.ts'
import { DASHBOARD, listenAdmin, type AdminListener, type AdminOptions } from '../server.ts'
import type { FleetAdmin } from './fleet.ts'
import { mergedResources, MergedState } from './resources.ts'

/** Made once: it knows what workers have counted that are gone, whatever becomes of the listener. */
export class MergedAdmin<F extends FleetAdmin> {
  readonly #fleet: F
  readonly #state: MergedState<F>
  readonly #resources: ResourceTable<MergedState<F>>

  /** `control`: the resources of the control plane, which get `fleet` as their state. */
  constructor(fleet: F, control: readonly Resource<F>[] = []) {
    this.#fleet = fleet
    this.#state = new MergedState(fleet)
    this.#resources = mergedResources(control)
  }

  /**
   * Asks every worker what it has counted: whoever is about to end one calls it, so that nothing of that is lost. Never
   * rejects.
   */
  async remember(): Promise<void> {
    const { metrics, stats, upstreams } = this.#state
    await Promise.all([metrics.read(), stats.report(), upstreams.report()])
  }

  /** Binds and listens. Rejects when the address cannot be had. */
  start(options: AdminOptions): Promise<AdminListener> {
    this.#state.scrapes.prepare()
    return listenAdmin(options, {
      resources: this.#resources,
      state: this.#state,
      log: this.#fleet.log,
      audit: this.#fleet,
      page: DASHBOARD,
      trusting: false,
    })
  }
}
