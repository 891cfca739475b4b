// Work that can be cut into slices: a generator that yields wherever others may run meanwhile.
import { setImmediate } from 'node:timers/promises'

export type Work<T> = Generator<undefined, T, undefined>

/** ms of one slice */
const SLICE = 5

/** All of it at once. */
export function atOnce<T>(work: Work<T>): T {
  for (;;) {
    const step = work.next()
    if (step.done === true) return step.value
  }
}

/** Lets others run every few ms. */
export async function inSlices<T>(work: Work<T>): Promise<T> {
  let end = performance.now() + SLICE
  for (;;) {
    const step = work.next()
    if (step.done === true) return step.value
    if (performance.now() < end) continue
    await setImmediate()
    end = performance.now() + SLICE
  }
}
