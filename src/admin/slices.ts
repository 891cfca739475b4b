// Long lists are made in slices, so that no request waits for an operator's question.
import { setImmediate } from 'node:timers/promises'

/** ms of one slice */
const SLICE = 3
/** Entries between two looks at the clock. */
const STRIDE = 8

/** Ends when its slice is over: then let others run. */
export class Slice {
  #end = performance.now() + SLICE
  #left = STRIDE

  get over(): boolean {
    if (--this.#left > 0) return false
    this.#left = STRIDE
    return performance.now() > this.#end
  }

  /** Lets others run, and begins anew. */
  async pause(): Promise<void> {
    await setImmediate()
    this.#end = performance.now() + SLICE
    this.#left = STRIDE
  }

  /** Lets others run, if the slice is over. */
  async rest(): Promise<void> {
    if (this.over) await this.pause()
  }
}

/** The text of each entry, in slices. Stops early, with what there is, when `signal` is aborted. */
export async function textOfEach<T>(
  entries: Iterable<T>,
  write: (entry: T) => string,
  signal?: AbortSignal,
): Promise<string[]> {
  const texts: string[] = []
  const slice = new Slice()
  for (const entry of entries) {
    texts.push(write(entry))
    if (!slice.over) continue
    await slice.pause()
    if (signal?.aborted === true) break
  }
  return texts
}
