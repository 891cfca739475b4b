// What the plugins and upstreams of a process live in, beyond any snapshot.
import { readdir } from 'node:fs/promises'
import { LiveStates } from './base/live-states.ts'
import type { TimerWheel } from './base/timer-wheel.ts'
import type { PluginInstance } from './chain/instance.ts'
import type { LiveState } from './compile/snapshot.ts'
import type { Plugin } from './contract/plugin.ts'
import { loadPlugin } from './control/plugin-directory.ts'
import { PluginHosts } from './control/plugin-host.ts'
import { LimitRoom } from './limits/limits.ts'
import type { Logger } from './telemetry/logger.ts'
import type { Logs } from './telemetry/logs.ts'
import { Metrics } from './telemetry/metrics.ts'
import { RequestMetrics } from './telemetry/request-metrics.ts'
import { TraceExports } from './telemetry/trace-exports.ts'
import { UpstreamStates } from './upstreams/states.ts'

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
