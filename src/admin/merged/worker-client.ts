// Asks one worker, within bounds: it may hang, die in the middle, or answer without end.
import { request, type IncomingMessage } from 'node:http'
import type { WorkerAdmin } from './fleet.ts'

/** ms */
export const ANSWER_LIMIT = 1000
/** Bytes of one answer. */
const MOST_BYTES = 64 * 1024 * 1024

type Address = Pick<WorkerAdmin, 'socket'>

export interface OpenOptions {
  readonly headers?: Readonly<Record<string, string>>
  /** ms until the head is there. */
  readonly limit?: number
  readonly signal?: AbortSignal
}

/** The head of the answer is there; whoever asks reads its body, or destroys it. */
export function open({ socket }: Address, path: string, options: OpenOptions = {}): Promise<IncomingMessage> {
  const { headers = {}, limit = ANSWER_LIMIT, signal } = options
  return new Promise((resolve, reject) => {
    // No connection is kept: one that the worker closes just now would fail a question for nothing.
    const asked = request({ socketPath: socket, path, headers: { host: 'localhost', ...headers }, agent: false })
    const leave = (): void => void asked.destroy(new Error('nobody waits for the answer any more'))
    const timer = setTimeout(() => asked.destroy(new Error(`no answer within ${limit} ms`)), limit)
    const settled = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', leave)
    }
    // Also after the end: a request that is destroyed may report an error of its own.
    asked.on('error', (error) => {
      settled()
      reject(error)
    })
    asked.once('response', (response) => {
      settled()
      resolve(response)
    })
    if (signal?.aborted === true) leave()
    else signal?.addEventListener('abort', leave)
    asked.end()
  })
}

/** The whole body of a 200, at most `limit` ms from now. */
export async function ask(worker: Address, path: string, limit = ANSWER_LIMIT, most = MOST_BYTES): Promise<Buffer> {
  const end = performance.now() + limit
  const response = await open(worker, path, { limit })
  const late = new Error(`no whole answer within ${limit} ms`)
  const timer = setTimeout(() => response.destroy(late), Math.max(0, end - performance.now()))
  try {
    if (response.statusCode !== 200) throw new Error(`${path}: status ${response.statusCode}`)
    const chunks: Buffer[] = []
    let length = 0
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      if ((length += chunk.length) > most) throw new Error(`${path}: more than ${most} bytes`)
    }
    return Buffer.concat(chunks)
  } finally {
    clearTimeout(timer)
    response.destroy()
  }
}
