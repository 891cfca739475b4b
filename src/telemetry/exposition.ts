// Metrics as text, by prom-client: the one module that knows it. Its registry would ask every metric at once; with a
// thousand routes that holds the event loop for tens of milliseconds, so it is given a slice at a time here.
import { createRequire } from 'node:module'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Registry } from 'prom-client'
import { isOther, otherLabels, type Family, type Labels, type Metrics, type Series } from './metrics.ts'

export type ExpositionFormat = 'text' | 'openmetrics'

export const EXPOSITION_TYPES: Readonly<Record<ExpositionFormat, string>> = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
}

const load = createRequire(import.meta.url)

/** ms of the event loop that a slice may take. */
const SLICE = 1
/** Series between two looks at the clock. */
const STRIDE = 32
/** Series that are added up between two looks at the clock. */
const FOLD_STRIDE = 256
const FOLDED = 'sluice_metrics_folded_series'
const FOLDED_HELP = 'Label sets beyond the budget, whose values are added up under the label value other'

/** What prom-client's registry asks of a metric, and gives no type to. */
interface PromMetric {
  readonly name: string
  readonly help: string
  readonly type: string
  readonly values: readonly PromValue[]
}

interface PromValue {
  readonly value: number
  readonly labels: Labels
  readonly sharedLabels?: Labels
  readonly metricName?: string
  readonly exemplar?: { readonly labelSet: Labels; readonly value: number; readonly timestamp: number }
}

interface PromRegistry extends Registry {
  getMetricsAsString(metric: { readonly get: () => PromMetric }): Promise<string>
}

interface Prom {
  readonly Registry: new (type: string) => PromRegistry
}

/**
 * prom-client takes 20 ms to load: who will be scraped does it before there are requests. Not by import(): in a gateway
 * whose output is a pipe, Node 22.23 then gives an empty object for this module.
 */
export function loadProm(): Prom {
  return load('prom-client') as Prom
}

/** What a scrape is made of: Metrics, or those of several processes added up. */
export type MetricSource = Pick<Metrics, 'families' | 'budget'>

export type BudgetedFamily = Omit<Family, 'series'> & Budgeted

/** All metrics as text. Gives the event loop back every few ms. */
export async function exposition(metrics: MetricSource, format: ExpositionFormat = 'text'): Promise<string> {
  const writer = Writer.make(format)
  for (const family of budgeted(metrics)) await writer.write(family)
  return writer.end()
}

/** All families, within the budget of each; one is done with before the next is asked for. */
export function* budgeted(metrics: MetricSource): Iterable<BudgetedFamily> {
  const folded = new Map<string, Series>()
  const tell = (series: Series): void => {
    const name = series.labels['metric'] ?? ''
    folded.set(name, { ...series, value: series.value + (folded.get(name)?.value ?? 0) })
  }
  for (const family of metrics.families()) {
    // What was folded by those who are added up here.
    if (family.name === FOLDED) for (const series of family.series) tell(series)
    else yield { ...family, series: withinBudget(family, metrics.budget, tell) }
  }
  if (folded.size > 0) yield { name: FOLDED, help: FOLDED_HELP, kind: 'gauge', series: folded.values() }
}

/** What an Accept field asks for: OpenMetrics if it is named, as Prometheus does when it can read it. */
export function formatFor(accept: string): ExpositionFormat {
  return accept.includes('application/openmetrics-text') ? 'openmetrics' : 'text'
}

class Writer {
  readonly #registry: PromRegistry
  readonly #isOpen: boolean
  readonly #parts: string[] = []
  #turnEnds = performance.now() + SLICE

  constructor(registry: PromRegistry, isOpen: boolean) {
    this.#registry = registry
    this.#isOpen = isOpen
  }

  static make(format: ExpositionFormat): Writer {
    const { Registry } = loadProm()
    return new Writer(new Registry(EXPOSITION_TYPES[format]), format === 'openmetrics')
  }

  async write({ name, help, kind, series }: BudgetedFamily): Promise<void> {
    const shown = this.#isOpen && kind === 'counter' ? name.replace(/_total$/, '') : name
    const values: PromValue[] = []
    let first = true
    const flush = async (): Promise<void> => {
      const metric = { name: shown, help, type: kind, values: values.splice(0) }
      const text = await this.#registry.getMetricsAsString({ get: () => metric })
      this.#parts.push(first ? text : withoutHeader(text), '\n')
      first = false
      await this.#rest()
    }
    for (const each of series) {
      if (each === null) await this.#rest()
      if (each === null || Number.isNaN(each.value)) continue
      values.push(promValue(name, each))
      if (values.length === STRIDE) await flush()
    }
    if (values.length > 0) await flush()
  }

  /** Lets others run when the slice is over. */
  async #rest(): Promise<void> {
    if (performance.now() < this.#turnEnds) return
    await nextTurn()
    this.#turnEnds = performance.now() + SLICE
  }

  end(): string {
    return this.#parts.join('') + (this.#isOpen ? '# EOF\n' : '')
  }
}

function promValue(name: string, { labels, value, suffix, own, exemplar }: Series): PromValue {
  if (suffix === undefined && own === undefined) return { labels: {}, sharedLabels: labels, value }
  const named = { labels: own ?? {}, sharedLabels: labels, value, metricName: name + (suffix ?? '') }
  if (exemplar === undefined || exemplar === null) return named
  const { traceId, value: seconds, time } = exemplar
  return { ...named, exemplar: { labelSet: { trace_id: traceId }, value: seconds, timestamp: time } }
}

/** The lines of HELP and TYPE stand once per name. */
function withoutHeader(text: string): string {
  return text.slice(text.indexOf('\n', text.indexOf('\n') + 1) + 1)
}

interface Budgeted {
  /** null: nothing to show yet, but time has passed. */
  readonly series: Iterable<Series | null>
}

/** Label sets above the budget are added up; `tell` gets how many they were. */
function* withinBudget({ name, series }: Family, budget: number, tell: (series: Series) => void): Budgeted['series'] {
  let labels: Labels | null = null
  let sets = 0
  let isFolded = false
  let folded = 0
  const sums = new Map<string, Series>()
  for (const each of series) {
    if (each.labels !== labels) {
      labels = each.labels
      // What stands under `other` already, by its cell or its own name, must not stand there twice.
      isFolded = ++sets > budget || isOther(labels)
    }
    if (!isFolded) {
      yield each
      continue
    }
    if (++folded % FOLD_STRIDE === 0) yield null
    const key = `${each.suffix} ${each.own?.['le'] ?? each.own?.['quantile']}`
    const before = sums.get(key)
    sums.set(key, {
      ...each,
      labels: before?.labels ?? otherLabels(each.labels),
      value: each.value + (before?.value ?? 0),
    })
  }
  yield* sums.values()
  if (sets > budget) tell({ labels: { metric: name }, value: sets - budget })
}
