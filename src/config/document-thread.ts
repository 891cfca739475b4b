// The thread that parses large documents. What it found is asked for piece by piece (large-document.ts): a message is read at
// once by whoever gets it, and must not take long.
import { parentPort, workerData } from 'node:worker_threads'
import { isRecord, readYaml, type Environment } from './document.ts'
import type { Outline } from './outline.ts'
import { outlineOf } from './outline.ts'
import type { Problem } from './problem.ts'

export interface Task {
  readonly text: string
  readonly file: string
  readonly env: Environment
}

/** Entries in one piece. */
const ENTRIES = 100

export type Piece =
  /** First: the whole without the entries of its lists and mappings that have many. */
  | { readonly frame: unknown; readonly problems: readonly Problem[]; readonly outline: Outline }
  | { readonly key: string; readonly entries: readonly (readonly [string, unknown])[] }

function* pieces({ text, file, env }: Task): Generator<Piece> {
  const read = readYaml(text, file, env)
  const { value, problems } = read
  const large = Object.entries(isRecord(value) ? value : {}).filter(
    ([, part]) => typeof part === 'object' && part !== null && Object.keys(part).length > ENTRIES,
  )
  const frame = isRecord(value)
    ? { ...value, ...Object.fromEntries(large.map(([key, part]) => [key, Array.isArray(part) ? [] : {}])) }
    : value
  yield { frame, problems, outline: outlineOf(read) }
  for (const [key, part] of large) {
    const entries = Object.entries(part as object)
    for (let from = 0; from < entries.length; from += ENTRIES)
      yield { key, entries: entries.slice(from, from + ENTRIES) }
  }
}

const found = pieces(workerData as Task)
parentPort!.on('message', () => {
  const next = found.next()
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  parentPort!.postMessage(next.done === true ? null : next.value)
})
