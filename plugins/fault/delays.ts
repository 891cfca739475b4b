// Requests that wait on purpose. When the instance stops, all of them go on at once and no timer is left.
import { NEXT, type Verdict } from '../../src/contract/plugin.ts'

interface Waiting {
  readonly timer: NodeJS.Timeout
  readonly goOn: () => void
}

export class Delays {
  readonly #waiting = new Set<Waiting>()
  readonly #signal: AbortSignal

  constructor(signal: AbortSignal) {
    this.#signal = signal
    signal.addEventListener('abort', () => this.#release(), { once: true })
  }

  get size(): number {
    return this.#waiting.size
  }

  /** What `then` says, after `ms` milliseconds or at the end of the instance. */
  wait(ms: number, then: () => Verdict): Promise<Verdict> {
    if (this.#signal.aborted) return Promise.resolve(then())
    return new Promise((resolve) => {
      const goOn = (): void => {
        this.#waiting.delete(waiting)
        resolve(then())
      }
      const waiting: Waiting = { timer: setTimeout(goOn, ms), goOn }
      this.#waiting.add(waiting)
    })
  }

  #release(): void {
    for (const { timer, goOn } of this.#waiting) {
      clearTimeout(timer)
      goOn()
    }
  }
}

export const goOn = (): Verdict => NEXT
