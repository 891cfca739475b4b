// Metrics of several processes on their way to one scrape.
import type { MetricSource } from '../../telemetry/exposition.ts'
import {
  labelKey,
  otherLabels,
  type Family,
  type Labels,
  type MetricKind,
  type Series,
} from '../../telemetry/metrics.ts'
import { rulePart, type Rule } from './metric-rules.ts'

interface Part {
  series: Series
  /** How many values it is made of. */
  values: number
}

interface SetSum {
  readonly labels: Labels
  readonly parts: Part[]
}

export class FamilySum {
  readonly help: string
  readonly kind: MetricKind
  readonly #rule: Rule
  /** Label sets; more are added up as `other`. */
  readonly #most: number
  /** By labels; a name with its labels stands once. */
  readonly #sets = new Map<string, SetSum>()

  constructor(kind: MetricKind, help: string, rule: Rule, most = Infinity) {
    this.kind = kind
    this.help = help
    this.#rule = rule
    this.#most = most
  }

  add(labels: Labels, parts: Iterable<Series>): void {
    const { parts: sums, labels: own } = this.#set(labels)
    let at = 0
    for (const series of parts) {
      // Everybody has the same parts in the same order, but for quantiles of which nothing is known yet.
      if (!isSamePart(sums[at]?.series, series)) at = sums.findIndex((sum) => isSamePart(sum.series, series))
      if (at < 0) at = sums.push({ series: { ...series, labels: own }, values: 1 }) - 1
      else join(sums[at]!, series, rulePart(this.#rule, series))
      at++
    }
  }

  has(labels: Labels): boolean {
    return this.#sets.has(labelKey(labels))
  }

  *labelSets(): Iterable<{ readonly labels: Labels; readonly parts: readonly Series[] }> {
    for (const { labels, parts } of this.#sets.values()) yield { labels, parts: parts.map((part) => this.#value(part)) }
  }

  *series(): Iterable<Series> {
    for (const { parts } of this.#sets.values()) for (const part of parts) yield this.#value(part)
  }

  /** Leaves out the label sets of which that is so. */
  drop(isGone: (labels: Labels) => boolean): void {
    for (const [key, { labels }] of this.#sets) if (isGone(labels)) this.#sets.delete(key)
  }

  #value({ series, values }: Part): Series {
    return this.#rule === 'mean' && values > 1 ? { ...series, value: series.value / values } : series
  }

  #set(given: Labels): SetSum {
    let labels = given
    let key = labelKey(labels)
    if (this.#sets.size >= this.#most && !this.#sets.has(key)) {
      labels = otherLabels(given)
      key = labelKey(labels)
    }
    let set = this.#sets.get(key)
    if (set === undefined) this.#sets.set(key, (set = { labels, parts: [] }))
    return set
  }
}

function isSamePart(a: Series | undefined, { suffix, own }: Series): boolean {
  if (a === undefined || a.suffix !== suffix) return false
  return a.own?.['le'] === own?.['le'] && a.own?.['quantile'] === own?.['quantile']
}

function join(part: Part, { value, exemplar = null }: Series, rule: Rule): void {
  const { series } = part
  part.values++
  part.series = {
    ...series,
    value:
      rule === 'min'
        ? Math.min(series.value, value)
        : rule === 'max'
          ? Math.max(series.value, value)
          : series.value + value,
    // The latest of them, as in one process.
    exemplar: exemplar !== null && exemplar.time > (series.exemplar?.time ?? 0) ? exemplar : (series.exemplar ?? null),
  }
}

export class MetricSums implements MetricSource {
  readonly budget: number
  readonly #families = new Map<string, FamilySum>()

  constructor(budget: number) {
    this.budget = budget
  }

  /** The first one says what kind it is; null: this one is another. */
  family(name: string, kind: MetricKind, help: string, rule: Rule, most?: number): FamilySum | null {
    let family = this.#families.get(name)
    if (family === undefined) this.#families.set(name, (family = new FamilySum(kind, help, rule, most)))
    return family.kind === kind ? family : null
  }

  find(name: string): FamilySum | undefined {
    return this.#families.get(name)
  }

  entries(): Iterable<[string, FamilySum]> {
    return this.#families
  }

  *families(): Iterable<Family> {
    for (const [name, family] of this.#families)
      yield { name, help: family.help, kind: family.kind, series: family.series() }
  }
}
