// Parsing of large documents in a thread of its own: YAML takes about a second for a megabyte, and no request shall wait for it.
import { once } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { parseDocument, type ConfigDocument, type Environment } from './document.ts'
import type { Piece, Task } from './document-thread.ts'
import { OutlinedDocument } from './outline.ts'

/** Characters */
export const LARGE = 64 * 1024

/** Like parseDocument. Never rejects: without a thread the text is parsed here. */
export async function parseLargeDocument(text: string, file: string, env: Environment): Promise<ConfigDocument> {
  // Only what the text names leaves this thread.
  const names = new Set(Array.from(text.matchAll(/\$\{([A-Za-z_][A-Za-z0-9_]*)/g), ([, name]) => name!))
  const used = Object.fromEntries([...names].map((name) => [name, env[name]]))
  const worker = new Worker(new URL('./document-thread.ts', import.meta.url), {
    workerData: { text, file, env: used } satisfies Task,
  })
  try {
    return await collect(worker, file)
  } catch {
    return parseDocument(text, file, env)
  } finally {
    void worker.terminate()
  }
}

async function collect(worker: Worker, file: string): Promise<ConfigDocument> {
  const first = (await ask(worker)) as Extract<Piece, { frame: unknown }>
  const value = first.frame as Record<string, Record<string, unknown> | unknown[]>
  for (;;) {
    await setImmediate()
    const piece = (await ask(worker)) as Extract<Piece, { key: string }> | null
    if (piece === null) break
    const part = value[piece.key]!
    for (const [name, entry] of piece.entries) {
      if (Array.isArray(part)) part.push(entry)
      else Object.defineProperty(part, name, { value: entry, writable: true, enumerable: true, configurable: true })
    }
  }
  return new OutlinedDocument(file, value, first.problems, first.outline)
}

/** Rejects when the thread fails, or ends. */
async function ask(worker: Worker): Promise<Piece | null> {
  const over = new AbortController()
  try {
    const ended = once(worker, 'exit', { signal: over.signal }).then(() => {
      throw new Error('the thread has ended')
    })
    const answer = once(worker, 'message', { signal: over.signal })
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    worker.postMessage(null)
    const [piece] = (await Promise.race([answer, ended])) as [Piece | null]
    return piece
  } finally {
    over.abort()
  }
}
