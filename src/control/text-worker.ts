// Work on texts of configurations: YAML takes seconds for a megabyte, and no request shall wait for it.
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { EditRefusal } from '../config/edit.ts'
import { LARGE } from '../config/large-document.ts'
import type { Outcome } from './text-thread.ts'
import { WORK, type Given, type Result, type WorkName } from './text-work.ts'
import { WriteRefusal } from './write-refusal.ts'

/** Large texts in a thread of their own. Rejects with EditRefusal or WriteRefusal. */
export async function doText<N extends WorkName>(name: N, given: Given<N>): Promise<Result<N>> {
  const size = given.text.length + ('sent' in given ? given.sent.text.length : 0)
  return size <= LARGE ? WORK[name](given) : inThread(name, given)
}

async function inThread<N extends WorkName>(name: N, given: Given<N>): Promise<Result<N>> {
  const worker = new Worker(new URL('./text-thread.ts', import.meta.url), { workerData: { name, given } })
  try {
    // Rejects when the thread fails; it does not end without a word.
    const [said] = (await once(worker, 'message')) as [Outcome<Result<N>>]
    if ('result' in said) return said.result
    const { refusal, message } = said
    if (refusal === 'edit') throw new EditRefusal(message)
    if (refusal === 'levels') throw new RangeError(message)
    throw new WriteRefusal(refusal, message)
  } finally {
    void worker.terminate()
  }
}
