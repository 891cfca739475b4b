// Work that can be cut into slices: a generator that yields wherever others may run meanwhile.
import { Slice } from '../base/slice.ts'

export type Work<T> = Generator<undefined, T, undefined>

/** All of it at once. */
export function atOnce<T>(work: Work<T>): T {
  for (;;) {
    const step = work.next()
    if (step.done === true) return step.value
  }
}

/** Lets others run every few ms. */
export async function inSlices<T>(work: Work<T>): Promise<T> {
  // A step may be a whole item.
  const slice = new Slice(1)
  for (;;) {
    const step = work.next()
    if (step.done === true) return step.value
    if (slice.over) await slice.pause()
  }
}
