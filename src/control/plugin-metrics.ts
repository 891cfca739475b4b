// The metrics of a plugin. Prometheus refuses a whole scrape for one name that is not one, so what a plugin says is looked
// at before it stands among the others.
import type { PluginLogger, PluginMetrics } from '../contract/host.ts'
import type { Labels, Metrics, Series } from '../telemetry/metrics.ts'

/** Plugins whose figures belong to a room of the gateway. */
const PREFIXES: Readonly<Record<string, string>> = { 'rate-limit': 'sluice_ratelimit_' }

const NAME = /^[a-zA-Z0-9_]+$/
/** Names with two underscores in front are those of Prometheus. */
const LABEL = /^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/

/** `keep` gets what takes a metric away again. */
export function pluginMetrics(
  metrics: Metrics,
  plugin: string,
  log: PluginLogger,
  keep: (remove: () => void) => void,
): PluginMetrics {
  const prefix = PREFIXES[plugin] ?? `sluice_plugin_${plugin.replaceAll('-', '_')}_`
  return {
    counter: (name, help, labels) => metrics.counter(prefix + checkedName(name), help, checkedLabels(name, labels)),
    gauge: (name, help, labels) => metrics.gauge(prefix + checkedName(name), help, checkedLabels(name, labels)),
    collect(name, help, values) {
      const full = prefix + checkedName(name)
      // A scrape tells of everything else, whatever this plugin does.
      const guarded = (): Iterable<Series> => {
        try {
          return Array.from(values(), (series) => checkedSeries(name, series))
        } catch (error) {
          log.error({ metric: full, err: error }, 'a metric cannot be read')
          return []
        }
      }
      keep(metrics.collect('gauge', full, help, guarded))
    },
  }
}

function checkedName(name: string): string {
  if (NAME.test(name)) return name
  throw new TypeError(`metric ${JSON.stringify(name)}: a name has letters, digits and _ only`)
}

function checkedLabels(metric: string, labels: Labels = {}): Labels {
  for (const [name, value] of Object.entries(labels)) {
    const what = `metric ${metric}: label ${JSON.stringify(name)}`
    if (!LABEL.test(name))
      throw new TypeError(`${what} has letters, digits and _ only, and begins with a letter or one _`)
    if (typeof value !== 'string') throw new TypeError(`${what} is ${typeof value}, expected a string`)
  }
  return labels
}

function checkedSeries(metric: string, series: Series): Series {
  checkedLabels(metric, series.labels)
  if (typeof series.value !== 'number')
    throw new TypeError(`metric ${metric} is ${typeof series.value}, expected a number`)
  return series
}
