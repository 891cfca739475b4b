// Long lists are made in slices, so that no request waits for an operator's question.
import { setImmediate } from 'node:timers/promises'

/** ms of one slice */
const SLICE = 4
/** Entries between two looks at the clock. */
const STRIDE = 32

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
}

/** The JSON of each entry, in slices. Stops early, with what there is, when `signal` is aborted. */
export async function jsonOfEach<T>(
  entries: Iterable<T>,
  describe: (entry: T) => unknown,
  signal: AbortSignal,
): Promise<string[]> {
  const rows: string[] = []
  const slice = new Slice()
  for (const entry of entries) {
    rows.push(JSON.stringify(describe(entry)))
    if (!slice.over) continue
    await slice.pause()
    if (signal.aborted) break
  }
  return rows
}
