// The thread that reads and changes large texts (text-worker.ts): one piece of work, and it ends.
import { parentPort, workerData } from 'node:worker_threads'
import { EditRefusal } from '../config/edit.ts'
import { WORK, type WorkName } from './text-work.ts'
import { WriteRefusal, type WriteProblem } from './write-refusal.ts'

/** `refusal`: of which kind; edit is an EditRefusal, levels a text that no parser can walk down. */
export type Outcome<T> =
  { readonly result: T } | { readonly refusal: WriteProblem | 'edit' | 'levels'; readonly message: string }

function outcome(): Outcome<unknown> {
  const { name, given } = workerData as { readonly name: WorkName; readonly given: never }
  try {
    return { result: WORK[name](given) }
  } catch (error) {
    const { message } = error as Error
    if (error instanceof WriteRefusal) return { refusal: error.kind, message }
    if (error instanceof EditRefusal) return { refusal: 'edit', message }
    if (error instanceof RangeError) return { refusal: 'levels', message }
    throw error
  }
}

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
parentPort!.postMessage(outcome())
