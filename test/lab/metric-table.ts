// The metrics that docs/metrics.md promises, and the ones that an expression in PromQL asks for.
import { readFile } from 'node:fs/promises'

export type MetricType = 'counter' | 'gauge' | 'histogram' | 'summary'

export interface PromisedMetric {
  readonly name: string
  readonly type: MetricType
  readonly labels: readonly string[]
}

const PAGE = new URL('../../docs/metrics.md', import.meta.url)
const ROW = /^\| `([a-z_]+)` *\| (counter|gauge|histogram|summary) *\| ([^|]*) \|/

export async function promisedMetrics(): Promise<PromisedMetric[]> {
  const lines = (await readFile(PAGE, 'utf8')).split('\n')
  return lines.flatMap((line) => {
    const [, name, type, labels = ''] = ROW.exec(line) ?? []
    if (name === undefined) return []
    return [{ name, type: type as MetricType, labels: Array.from(labels.matchAll(/`(\w+)`/g), ([, label]) => label!) }]
  })
}

const PARTS: Readonly<Record<MetricType, readonly string[]>> = {
  counter: [''],
  gauge: [''],
  histogram: ['_bucket', '_sum', '_count'],
  summary: ['', '_sum', '_count'],
}

/** Names of series as a scrape has them -> labels, with those that Prometheus adds. */
export function seriesOf(metrics: readonly PromisedMetric[]): Map<string, readonly string[]> {
  const series = new Map<string, readonly string[]>([['up', ['job', 'instance']]])
  for (const { name, type, labels } of metrics) {
    for (const part of PARTS[type]) series.set(name + part, ['job', 'instance', 'le', 'quantile', ...labels])
  }
  return series
}

/** One line for each metric that there is not, and for each label that it does not have. */
export function strangers(expr: string, series: ReadonlyMap<string, readonly string[]>): string[] {
  const found: string[] = []
  const selectors = expr.matchAll(/\b((?:sluice|process|nodejs)[_:][\w:]+|up(?=\{))(?:\{([^}]*)\})?/g)
  for (const [, name = '', matchers = ''] of selectors) {
    const labels = series.get(name)
    if (labels === undefined) found.push(`${name} is not in docs/metrics.md`)
    for (const [, label = ''] of matchers.matchAll(/(\w+)(?:=~|!~|!=|=)"/g)) {
      if (labels?.includes(label) === false) found.push(`${name} has no label ${label}`)
    }
  }
  return found
}
