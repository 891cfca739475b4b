// One process more than there are workers: it has loaded all code and waits, so that a worker that ends is replaced in
// milliseconds. Loading takes half a second, and several on a busy machine.
import { performance } from 'node:perf_hooks'
import { RestartDelay } from './restart-delay.ts'
import type { WorkerProcess } from './worker-process.ts'

export class Spare {
  readonly #launch: () => WorkerProcess
  readonly #delay = new RestartDelay()
  #process: WorkerProcess | null = null
  #keeping = false
  /** Monotonic ms. */
  #launchedAt = 0
  #timer: NodeJS.Timeout | null = null

  /** None is kept before `keep`: at the start others need the cores. */
  constructor(launch: () => WorkerProcess) {
    this.#launch = launch
  }

  keep(): void {
    if (this.#keeping) return
    this.#keeping = true
    this.#prepare()
  }

  /** The one that waits, or a new process. */
  take(): WorkerProcess {
    const worker = this.#process
    if (worker === null || !worker.waits) return this.#launch()
    this.#process = null
    this.#later()
    return worker
  }

  drop(): void {
    this.#keeping = false
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#process?.end()
  }

  /** Where workers end again and again the next one comes later and later, as they do themselves. */
  #later(): void {
    if (!this.#keeping) return
    this.#timer = setTimeout(() => this.#prepare(), this.#delay.next(performance.now() - this.#launchedAt))
  }

  #prepare(): void {
    this.#timer = null
    this.#launchedAt = performance.now()
    const worker = this.#launch()
    this.#process = worker
    void worker.ended.then(() => {
      if (this.#process !== worker) return
      this.#process = null
      this.#later()
    })
  }
}
