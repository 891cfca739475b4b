// What clients send along: bounded in size, time, and memory for all of them together.
import type { IncomingMessage } from 'node:http'
import { Refusal } from './answer.ts'

/** Bytes of one body. */
export const MOST_BYTES = 16 * 1024 * 1024
/** Bytes of all bodies that are held at a time. */
const MOST_HELD = 64 * 1024 * 1024
/** Bytes that the first piece has room for. */
const FIRST_BYTES = 16 * 1024
/** ms without a byte */
const IDLE_LIMIT = 5000

export interface BodyRules {
  /** Media types */
  readonly types: readonly string[]
  /** Bytes */
  readonly most: number
}

export interface Body {
  /** One of those that the resource takes. */
  readonly type: string
  readonly text: string
}

export class BodyReader {
  #held = 0

  /** Rejects with Refusal. `release` is to be called when the body is needed no more. */
  async read(request: IncomingMessage, rules: BodyRules): Promise<Body & { release(): void }> {
    const type = typeOf(request, rules)
    const announced = Number(request.headers['content-length'] ?? 0)
    if (announced > rules.most) throw tooLarge(rules)
    let size = 0
    const release = (): void => {
      this.#held -= size
      size = 0
    }
    const take = (bytes: number): void => {
      if (size + bytes > rules.most) throw tooLarge(rules)
      if (this.#held + bytes > MOST_HELD)
        throw new Refusal(503, 'Other bodies take all the memory that there is for them.', { 'retry-after': '1' })
      size += bytes
      this.#held += bytes
    }
    try {
      return { type, text: utf8(await bytesOf(request, take)), release }
    } catch (error) {
      release()
      throw error
    }
  }
}

function typeOf({ headers, headersDistinct }: IncomingMessage, { types }: BodyRules): string {
  const wanted = types.join(', ')
  if ((headersDistinct['content-type']?.length ?? 0) > 1)
    throw new Refusal(400, 'the header content-type is here twice')
  const [type = '', ...parameters] = (headers['content-type'] ?? '').split(';').map((part) => part.trim().toLowerCase())
  const isUtf8 = parameters.every((each) => !each.startsWith('charset=') || /^charset="?utf-?8"?$/.test(each))
  if (!types.includes(type) || !isUtf8)
    throw new Refusal(415, `The body must be ${types.join(' or ')}, in UTF-8.`, { accept: wanted })
  if ((headers['content-encoding'] ?? 'identity').toLowerCase() !== 'identity')
    throw new Refusal(415, 'The body must not be compressed.', { 'accept-encoding': 'identity' })
  return type
}

/** What has come is held in one piece: chunks of a byte each would take hundreds of bytes each. */
class Gathered {
  #bytes = Buffer.alloc(0)
  #length = 0

  add(chunk: Buffer): void {
    const length = this.#length + chunk.length
    if (length > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(length, 2 * this.#bytes.length, FIRST_BYTES))
      this.#bytes.copy(larger, 0, 0, this.#length)
      this.#bytes = larger
    }
    chunk.copy(this.#bytes, this.#length)
    this.#length = length
  }

  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }
}

async function bytesOf(request: IncomingMessage, take: (bytes: number) => void): Promise<Buffer> {
  const gathered = new Gathered()
  await new Promise<void>((resolve, reject) => {
    const end = (error: Error | null): void => {
      clearTimeout(timer)
      request.off('data', data)
      request.resume()
      if (error === null) resolve()
      else reject(error)
    }
    const timer = setTimeout(
      () => end(new Refusal(408, 'The body did not arrive in time.', { connection: 'close' })),
      IDLE_LIMIT,
    )
    const data = (chunk: Buffer): void => {
      try {
        take(chunk.length)
        gathered.add(chunk)
        timer.refresh()
      } catch (error) {
        end(error as Error)
      }
    }
    request.on('data', data)
    request.once('end', () => end(null))
    request.once('close', () => end(new Refusal(400, 'The body was cut off.')))
    request.on('error', () => end(new Refusal(400, 'The body was cut off.')))
  })
  return gathered.bytes
}

function utf8(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new Refusal(400, 'The body is not UTF-8.')
  }
}

function tooLarge({ most }: BodyRules): Refusal {
  return new Refusal(413, `The body has more than ${most} bytes.`)
}
