// The intervals of one worker, one after the other, as they come.
import type { IncomingMessage } from 'node:http'
import type { LatencyCells } from '../../telemetry/latency-cells.ts'
import type { WorkerAdmin } from './fleet.ts'
import { CELLS, matches, NUMBER, TEXT, type Shape } from './shapes.ts'
import { open } from './worker-client.ts'

/** Bytes of one line: a route takes about 300. */
const MOST_BYTES = 16 * 1024 * 1024
const NEWLINE = 10

export interface WorkerInterval {
  /** Unix ms */
  readonly start: number
  readonly end: number
  readonly measured: readonly (readonly [tag: string, cells: LatencyCells | null])[]
}

const isMeasured: Shape = (value) => Array.isArray(value) && matches(value[0], TEXT) && matches(value[1], CELLS)
const SHAPE: Shape = { start: NUMBER, end: NUMBER, measured: [isMeasured] }

export class LatencyStream {
  ended = false
  readonly #worker: WorkerAdmin
  #response: IncomingMessage | null = null
  #opening: Promise<void> | null = null
  #lines: AsyncGenerator<string> | null = null
  #waiting: Promise<void> | null = null
  #value: WorkerInterval | null = null

  constructor(worker: WorkerAdmin) {
    this.#worker = worker
  }

  /** Resolves when the first interval has begun, or never will. Never rejects. */
  open(query: string, signal: AbortSignal): Promise<void> {
    return (this.#opening = this.#open(query, signal))
  }

  async #open(query: string, signal: AbortSignal): Promise<void> {
    try {
      const response = await open(this.#worker, `/internal/latencies${query}`, { signal })
      if (this.ended || response.statusCode !== 200) {
        response.destroy()
        this.ended = true
        return
      }
      this.#response = response
      // Its own error would be nobody's; whoever reads it sees it too.
      response.on('error', () => {})
      signal.addEventListener('abort', () => response.destroy(), { once: true })
      this.#lines = linesOf(response)
    } catch {
      this.ended = true
    }
  }

  /** Resolves when there is something to `take`, or will be nothing any more. Never rejects. */
  next(): Promise<void> {
    return (this.#waiting ??= this.#read())
  }

  /** What has come since; null when nothing has. */
  take(): WorkerInterval | null {
    const value = this.#value
    if (value !== null) {
      this.#value = null
      this.#waiting = null
    }
    return value
  }

  close(): void {
    this.ended = true
    this.#response?.destroy()
  }

  async #read(): Promise<void> {
    try {
      await this.#opening
      const { value, done } = (await this.#lines?.next()) ?? { done: true }
      if (done !== true) {
        const said: unknown = JSON.parse(value)
        if (matches(said, SHAPE)) {
          this.#value = said as WorkerInterval
          return
        }
      }
    } catch {
      // It is gone, or says what no worker says.
    }
    this.close()
  }
}

/** Lines that are not empty. Throws when one is too long. */
async function* linesOf(response: IncomingMessage): AsyncGenerator<string> {
  let parts: Buffer[] = []
  let length = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const line = Buffer.concat([...parts, chunk.subarray(start, end)]).toString()
      parts = []
      length = 0
      start = end + 1
      if (line !== '') yield line
    }
    parts.push(chunk.subarray(start))
    length += chunk.length - start
    if (length > MOST_BYTES) throw new RangeError(`a line of more than ${MOST_BYTES} bytes`)
  }
}
