// Numbers that the main road writes: cells of one typed array, found once and written by index. Whoever scrapes reads
// them with their names; nothing is formatted before.

export type Labels = Readonly<Record<string, string>>

export type MetricKind = 'counter' | 'gauge' | 'histogram' | 'summary'

export interface Series {
  /** The same object each time, if possible: what is made of it is kept. */
  readonly labels: Labels
  readonly value: number
  /** What is added to the name: parts of a histogram or a summary. */
  readonly suffix?: '_bucket' | '_sum' | '_count'
  /** `le` or `quantile` */
  readonly own?: Labels
  readonly exemplar?: Exemplar | null
}

/** A request that shows what a bucket is made of (OpenMetrics 1.0). */
export interface Exemplar {
  readonly traceId: string
  /** s */
  readonly value: number
  /** Unix s */
  readonly time: number
}

/** All values of one name. */
export interface Family {
  readonly name: string
  readonly help: string
  readonly kind: MetricKind
  readonly series: Iterable<Series>
}

/** Only grows. */
export interface Counter {
  add(amount?: number): void
}

export interface Gauge {
  set(value: number): void
}

/** A metric whose values are asked for when somebody reads. */
export type Collect = () => Iterable<Series>

const FIRST_SIZE = 256
/** Label sets of one name, unless the configuration says otherwise. */
export const SERIES_BUDGET = 20_000
const OTHER = 'other'

class Cell implements Counter, Gauge {
  readonly labels: Labels
  readonly #metrics: Metrics
  readonly #at: number

  constructor(metrics: Metrics, labels: Labels, at: number) {
    this.labels = labels
    this.#metrics = metrics
    this.#at = at
  }

  get value(): number {
    return this.#metrics.cells[this.#at]!
  }

  add(amount = 1): void {
    const { cells } = this.#metrics
    cells[this.#at] = cells[this.#at]! + amount
  }

  set(value: number): void {
    this.#metrics.cells[this.#at] = value
  }
}

/** Everything of one name. */
class Group {
  readonly help: string
  readonly kind: MetricKind
  readonly cells = new Map<string, Cell>()
  readonly collectors = new Set<Collect>()

  constructor(kind: MetricKind, help: string) {
    this.kind = kind
    this.help = help
  }

  series(): Iterable<Series> {
    return this.collectors.size + Math.min(1, this.cells.size) > 1 ? this.#merged() : this.#all()
  }

  *#all(): Iterable<Series> {
    yield* this.cells.values()
    for (const collect of this.collectors) yield* collect()
  }

  /** Two that give the same labels give one value: a name with its labels stands once. */
  *#merged(): Iterable<Series> {
    const sums = new Map<string, Series>()
    for (const series of this.#all()) {
      const key = labelKey({ ...series.labels, ...series.own }) + (series.suffix ?? '')
      const before = sums.get(key)
      sums.set(key, before === undefined ? series : { ...before, value: before.value + series.value })
    }
    yield* sums.values()
  }
}

export class Metrics {
  /** Replaced by a larger one when it is full. */
  cells = new Float64Array(FIRST_SIZE)
  /** Label sets that one name may have; the values of what comes above are added up under `other`. */
  budget = SERIES_BUDGET
  #size = 0
  readonly #groups = new Map<string, Group>()

  /** The same name and labels give the same counter, so that it outlives whoever asked first. */
  counter(name: string, help: string, labels: Labels = {}): Counter {
    return this.#cell('counter', name, help, labels)
  }

  gauge(name: string, help: string, labels: Labels = {}): Gauge {
    return this.#cell('gauge', name, help, labels)
  }

  /** Values that are made when they are read; several may give values of one name. Returns how to take it away. */
  collect(kind: MetricKind, name: string, help: string, collect: Collect): () => void {
    const group = this.#group(kind, name, help)
    group.collectors.add(collect)
    return () => {
      group.collectors.delete(collect)
      if (group.collectors.size + group.cells.size === 0) this.#groups.delete(name)
    }
  }

  *families(): Iterable<Family> {
    for (const [name, group] of this.#groups) yield { name, help: group.help, kind: group.kind, series: group.series() }
  }

  #group(kind: MetricKind, name: string, help: string): Group {
    let group = this.#groups.get(name)
    if (group === undefined) this.#groups.set(name, (group = new Group(kind, help)))
    return group
  }

  #cell(kind: MetricKind, name: string, help: string, labels: Labels): Cell {
    const { cells } = this.#group(kind, name, help)
    const present = cells.get(labelKey(labels))
    if (present !== undefined) return present
    if (cells.size < this.budget) return this.#add(cells, labels)
    // Whoever takes labels from requests must not fill the memory.
    const folded = otherLabels(labels)
    return cells.get(labelKey(folded)) ?? this.#add(cells, folded)
  }

  #add(cells: Map<string, Cell>, labels: Labels): Cell {
    const at = this.#size++
    if (at === this.cells.length) {
      const larger = new Float64Array(at * 2)
      larger.set(this.cells)
      this.cells = larger
    }
    const cell = new Cell(this, labels, at)
    cells.set(labelKey(labels), cell)
    return cell
  }
}

/** The same for the same labels, in whatever order they come. */
export function labelKey(labels: Labels): string {
  return JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/** What stands for labels that were too many. */
export function otherLabels(labels: Labels): Labels {
  return Object.fromEntries(Object.keys(labels).map((name) => [name, OTHER]))
}

/** Are they these by themselves? */
export function isOther(labels: Labels): boolean {
  const values = Object.values(labels)
  return values.length > 0 && values.every((value) => value === OTHER)
}
