// Numbers that the main road writes: cells of one typed array, found once and written by index. Whoever scrapes reads
// them with their names; nothing is formatted before.

export type Labels = Readonly<Record<string, string>>

export interface Sample {
  readonly name: string
  readonly help: string
  readonly kind: 'counter' | 'gauge'
  readonly labels: Labels
  readonly value: number
}

/** Only grows. */
export interface Counter {
  add(amount?: number): void
}

export interface Gauge {
  set(value: number): void
}

/** A metric whose values are asked for when somebody reads: label values -> number. */
export type Collect = () => readonly { readonly labels: Labels; readonly value: number }[]

const FIRST_SIZE = 256

class Cell implements Counter, Gauge {
  readonly #metrics: Metrics
  readonly #at: number

  constructor(metrics: Metrics, at: number) {
    this.#metrics = metrics
    this.#at = at
  }

  add(amount = 1): void {
    const { cells } = this.#metrics
    cells[this.#at] = cells[this.#at]! + amount
  }

  set(value: number): void {
    this.#metrics.cells[this.#at] = value
  }
}

export class Metrics {
  /** Replaced by a larger one when it is full. */
  cells = new Float64Array(FIRST_SIZE)
  readonly #entries = new Map<string, Omit<Sample, 'value'> & { readonly at: number; readonly cell: Cell }>()
  readonly #collected = new Set<Omit<Sample, 'value' | 'labels'> & { readonly collect: Collect }>()

  /** The same name and labels give the same counter, so that it outlives whoever asked first. */
  counter(name: string, help: string, labels: Labels = {}): Counter {
    return this.#cell('counter', name, help, labels)
  }

  gauge(name: string, help: string, labels: Labels = {}): Gauge {
    return this.#cell('gauge', name, help, labels)
  }

  /** Values that are made when they are read; several may give values of one name. Returns how to take it away. */
  collect(kind: Sample['kind'], name: string, help: string, collect: Collect): () => void {
    const entry = { kind, name, help, collect }
    this.#collected.add(entry)
    return () => void this.#collected.delete(entry)
  }

  samples(): Sample[] {
    const stored = [...this.#entries.values()].map(({ kind, name, help, labels, at }) => ({
      kind,
      name,
      help,
      labels,
      value: this.cells[at]!,
    }))
    const asked = [...this.#collected].flatMap(({ kind, name, help, collect }) =>
      collect().map(({ labels, value }) => ({ kind, name, help, labels, value })),
    )
    return [...stored, ...asked]
  }

  #cell(kind: Sample['kind'], name: string, help: string, labels: Labels): Cell {
    const key = name + JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)))
    const present = this.#entries.get(key)
    if (present !== undefined) return present.cell
    const at = this.#entries.size
    if (at === this.cells.length) {
      const larger = new Float64Array(at * 2)
      larger.set(this.cells)
      this.cells = larger
    }
    const cell = new Cell(this, at)
    this.#entries.set(key, { kind, name, help, labels, at, cell })
    return cell
  }
}
