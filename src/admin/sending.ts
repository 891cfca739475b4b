// Sends what was found, and bounds what clients that do not read can make us hold.
import type { ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { Refusal, refusalAnswer, type Answer } from './answer.ts'

/** Smaller replies are not counted: the kernel takes them. */
const SMALL = 64 * 1024
/** Bytes of larger replies that may wait for their clients, all of them together. One is sent whatever its size. */
const MOST_WAITING = 64 * 1024 * 1024
/** ms without a byte read after which a client is cut off */
export const IDLE_LIMIT = 30_000

const PAGE_POLICY = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

export class Sender {
  readonly #most: number
  #waiting = 0

  constructor(most = MOST_WAITING) {
    this.#most = most
  }

  /** Resolves when all of it was handed on, or the client is gone. */
  async send(response: ServerResponse, answer: Answer): Promise<void> {
    const { body } = answer
    if (typeof body !== 'string' && !Buffer.isBuffer(body)) {
      writeHead(response, answer, null)
      // It tells of a client that goes, and of a source that fails; the connection is cut in both cases.
      await pipeline(body, response).catch(() => response.destroy())
      return
    }
    const bytes = typeof body === 'string' ? Buffer.from(body) : body
    const large = bytes.length > SMALL ? bytes.length : 0
    if (large > 0 && this.#waiting > 0 && this.#waiting + large > this.#most) {
      const busy = new Refusal(503, 'Clients have not read the replies that they asked for.', { 'retry-after': '1' })
      await this.send(response, refusalAnswer(busy))
      return
    }
    this.#waiting += large
    writeHead(response, answer, bytes.length)
    response.end(bytes)
    await closed(response)
    this.#waiting -= large
  }
}

function closed(response: ServerResponse): Promise<void> {
  if (response.closed || response.writableFinished) return Promise.resolve()
  return new Promise((resolve) => response.once('close', resolve))
}

function writeHead(
  response: ServerResponse,
  { status = 200, type, headers = {} }: Answer,
  length: number | null,
): void {
  response.socket?.setTimeout(IDLE_LIMIT)
  response.writeHead(status, {
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(type === undefined ? {} : { 'content-type': type }),
    ...(type?.startsWith('text/html') === true ? { 'content-security-policy': PAGE_POLICY } : {}),
    ...(length === null || status === 304 ? {} : { 'content-length': length }),
    ...headers,
  })
}
