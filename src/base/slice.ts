// Long work is done in slices, so that no request waits for it.
import { setImmediate } from 'node:timers/promises'

/** ms of one slice */
const SLICE = 3
/** Entries between two looks at the clock. */
const STRIDE = 8

/** Ends when its time is over: then let others run. */
export class Slice {
  readonly #stride: number
  #end = performance.now() + SLICE
  #left: number

  /** `stride`: how often `over` is asked between two looks at the clock. */
  constructor(stride = STRIDE) {
    this.#stride = stride
    this.#left = stride
  }

  get over(): boolean {
    if (--this.#left > 0) return false
    this.#left = this.#stride
    return performance.now() > this.#end
  }

  /** Lets others run, and begins anew. */
  async pause(): Promise<void> {
    await setImmediate()
    this.#end = performance.now() + SLICE
    this.#left = this.#stride
  }

  /** Lets others run, if its time is over. */
  async rest(): Promise<void> {
    if (this.over) await this.pause()
  }

  /** Takes every step, and pauses between them where it must. */
  async run(steps: Iterable<unknown>): Promise<void> {
    for (const _ of steps) if (this.over) await this.pause()
  }
}
