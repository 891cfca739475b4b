// Valid configuration -> frozen Snapshot. Live state is borrowed by identity and given back when the snapshot is
// released; when anything fails, all that was taken is given back and nothing has changed. What has not changed since the
// snapshot before is shared with it, and the event loop is given back every few ms.
import { Slice } from '../base/slice.ts'
import type { PluginInstance } from '../chain/instance.ts'
import type { ValidConfig } from '../config/load.ts'
import type { Toggle } from '../config/toggles.ts'
import type { Plugin } from '../contract/plugin.ts'
import type { Snapshot } from '../contract/snapshot.ts'
import { compileRouterInSlices } from '../router/compile.ts'
import type { Router } from '../router/router.ts'
import type { RequestMetrics } from '../telemetry/request-metrics.ts'
import type { TraceExports } from '../telemetry/trace-exports.ts'
import type { UpstreamStates } from '../upstreams/states.ts'
import type { LiveUpstream } from '../upstreams/upstream.ts'
import type { PluginStates, RouteLayers } from './chains.ts'
import { RouteChains } from './route-chains.ts'
import { takeRoutes, type RoutesBefore, type RouteUnits } from './route-units.ts'
import type { SharedUnit } from './shared-unit.ts'
import { borrowTracing } from './tracing.ts'
import { compileTrustedProxies } from './trusted-proxies.ts'
import { takeUpstreams, type Upstreams } from './upstream-units.ts'

export interface LiveState {
  readonly requests: RequestMetrics
  readonly upstreams: UpstreamStates
  readonly plugins: PluginStates
  readonly traces: TraceExports
}

/** What the next snapshot may share. */
export interface SnapshotUnits {
  readonly routes: RouteUnits
  readonly upstreams: Upstreams
}

/** A snapshot with what only `explain`, the admin API and the next snapshot ask for. */
export interface CompiledSnapshot extends Snapshot {
  readonly router: Router
  readonly config: ValidConfig['config']
  readonly toggles: ValidConfig['toggles']
  readonly upstreams: ReadonlyMap<string, LiveUpstream>
  /** Toggle layers by route index. */
  readonly layers: readonly RouteLayers[]
  /** The plugins that the configuration could use, by name. */
  readonly plugins: ReadonlyMap<string, Plugin>
  /** Options of a plugin that is only switched on. */
  readonly defaults: ValidConfig['defaults']
  /** Plugin instances that were not ready for requests when the snapshot was compiled, and the toggles that ask for them. */
  readonly toStart: ReadonlyMap<PluginInstance, ReadonlySet<Toggle>>
  readonly units: SnapshotUnits
}

/**
 * Only what has changed since `previous` is compiled. Rejects with PluginRefusals when plugins do not take their options;
 * everything else was validated before.
 */
export async function compileSnapshot(
  valid: ValidConfig,
  version: number,
  live: LiveState,
  previous: CompiledSnapshot | null,
): Promise<CompiledSnapshot> {
  const taken: SharedUnit[] = []
  const releases: (() => void)[] = []
  const release = (): void => {
    for (const unit of taken.splice(0)) unit.release()
    for (const give of releases.splice(0)) give()
  }
  try {
    const { config, toggles, defaults } = valid
    // A route may take long: one with many addresses, or a large expression.
    const slice = new Slice(1)
    const toStart = new Map<PluginInstance, Set<Toggle>>()
    const askFor = (instance: PluginInstance, toggle: Toggle): void => {
      const toggles = toStart.get(instance)
      if (toggles === undefined) toStart.set(instance, new Set([toggle]))
      else toggles.add(toggle)
    }
    for (const [instance, toggles] of previous?.toStart ?? [])
      if (!instance.isStarted) for (const toggle of toggles) askFor(instance, toggle)
    const upstreams = await takeUpstreams(config, previous?.units.upstreams ?? null, live.upstreams, slice, taken)
    const router = await compileRouterInSlices(config.routes, previous?.router ?? null, slice)
    const rules = { defaults, orders: config.pluginOrder ?? {} }
    const context = {
      upstreams: upstreams.units,
      requests: live.requests,
      splits: live.upstreams,
      plugins: live.plugins,
      chains: new RouteChains(rules, live.plugins, askFor),
    }
    const before = previous === null ? null : routesBefore(previous)
    const routes = await takeRoutes(valid, router, before, context, slice, taken)
    const trustedProxies =
      previous !== null && previous.config.trustedProxies === config.trustedProxies
        ? previous.trustedProxies
        : compileTrustedProxies(config.trustedProxies ?? [])
    return {
      version,
      router,
      routes: routes.routes,
      unmatched: routes.unmatched.route,
      trustedProxies,
      tracing: borrowTracing(config.observability?.traces, trustedProxies, live.traces, (give) => releases.push(give)),
      config,
      toggles,
      upstreams: upstreams.upstreams,
      layers: routes.layers,
      plugins: live.plugins.available,
      defaults,
      toStart,
      units: { routes, upstreams },
      pins: 0,
      retired: false,
      release,
    }
  } catch (error) {
    release()
    throw error
  }
}

function routesBefore({ config, toggles, plugins, units }: CompiledSnapshot): RoutesBefore {
  return { ...units.routes, config, toggles, plugins, upstreams: units.upstreams.units }
}
