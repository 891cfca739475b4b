// What every worker has said last of one thing. One that does not answer spoils nothing: what it said before stays. What
// one that is gone has counted is handed on once, so that sums never fall.
import type { FleetAdmin, WorkerAdmin } from './fleet.ts'
import { ask } from './worker-client.ts'

export interface WorkerReport<T> {
  readonly worker: WorkerAdmin
  /** null: it has said nothing yet. */
  readonly said: T | null
  /** It did not answer this time. */
  readonly stale: boolean
}

export interface ReportSource<T> {
  readonly path: string
  /** Throws, or rejects, when that is no report. */
  read(bytes: Buffer): T | Promise<T>
  /** A worker is gone; this is the last that it said. */
  gone?(said: T, worker: WorkerAdmin): void
  /** A worker did not answer as it should. */
  failed?(worker: WorkerAdmin): void
}

interface Entry<T> {
  readonly worker: WorkerAdmin
  said: T | null
}

export class WorkerReports<T> {
  readonly #fleet: FleetAdmin
  readonly #source: ReportSource<T>
  /** By number and process. */
  readonly #entries = new Map<string, Entry<T>>()
  #running: Promise<readonly WorkerReport<T>[]> | null = null

  constructor(fleet: FleetAdmin, source: ReportSource<T>) {
    this.#fleet = fleet
    this.#source = source
  }

  /** In the order of their numbers. Those who ask while others do get the same answer. Never rejects. */
  read(): Promise<readonly WorkerReport<T>[]> {
    return (this.#running ??= this.#read().finally(() => (this.#running = null)))
  }

  async #read(): Promise<readonly WorkerReport<T>[]> {
    this.#forget()
    const workers = [...this.#fleet.workers()].toSorted((a, b) => a.number - b.number)
    const answers = await Promise.all(workers.map((worker) => this.#ask(worker)))
    const reports: WorkerReport<T>[] = []
    // One after the other, as each takes slices of the event loop.
    for (const [i, worker] of workers.entries()) reports.push(await this.#take(worker, answers[i]!))
    // Who has gone meanwhile stands among those who are gone, or among these, never both.
    this.#forget()
    return reports.filter(({ worker }) => this.#entries.has(keyOf(worker)))
  }

  /** null: there is none. */
  async #ask(worker: WorkerAdmin): Promise<Buffer | null> {
    if (worker.state !== 'ready') return null
    return ask(worker, this.#source.path).catch(() => null)
  }

  async #take(worker: WorkerAdmin, answer: Buffer | null): Promise<WorkerReport<T>> {
    const key = keyOf(worker)
    let entry = this.#entries.get(key)
    if (entry === undefined) this.#entries.set(key, (entry = { worker, said: null }))
    const fresh = answer !== null && (await this.#understand(entry, answer))
    // Nobody expects anything of one that starts.
    if (!fresh && worker.state !== 'starting') this.#source.failed?.(worker)
    return { worker, said: entry.said, stale: !fresh }
  }

  /** False: that was no report. */
  async #understand(entry: Entry<T>, answer: Buffer): Promise<boolean> {
    try {
      entry.said = await this.#source.read(answer)
      return true
    } catch {
      return false
    }
  }

  #forget(): void {
    const present = new Set(this.#fleet.workers().map(keyOf))
    for (const [key, { worker, said }] of this.#entries) {
      if (present.has(key)) continue
      this.#entries.delete(key)
      if (said !== null) this.#source.gone?.(said, worker)
    }
  }
}

function keyOf({ number, pid }: WorkerAdmin): string {
  return `${number} ${pid}`
}
