// Takes requests apart as far as an endpoint needs it: where each one ends, and what it asks for. Bodies are thrown away
// as they come.

const MOST_HEAD = 64 * 1024

export interface Request {
  readonly method: string
  readonly target: string
  readonly head: string
  /** The value of `x-request-number`, or ''. */
  readonly number: string
}

export class RequestReader {
  #text = ''
  #request: Request | null = null
  /** Bytes of the body that are still to come; -1 when it is chunked. */
  #left = 0

  feed(chunk: Buffer): void {
    this.#text += chunk.toString('latin1')
  }

  /** The next whole request; null when it has not arrived. Throws when this is no HTTP. */
  next(): Request | null {
    if (this.#request === null && !this.#readHead()) return null
    if (!(this.#left < 0 ? this.#skipChunks() : this.#skip())) return null
    const request = this.#request
    this.#request = null
    return request
  }

  #readHead(): boolean {
    const end = this.#text.indexOf('\r\n\r\n')
    if (end < 0 && this.#text.length < MOST_HEAD) return false
    const head = this.#text.slice(0, end)
    const line = /^([A-Z]+) (\S+) HTTP\/1\.[01]\r\n/.exec(`${head}\r\n`)
    if (end < 0 || line === null) throw new Error(`no request: ${JSON.stringify(head.slice(0, 100))}`)
    this.#text = this.#text.slice(end + 4)
    this.#request = { method: line[1]!, target: line[2]!, head, number: field(head, 'x-request-number') }
    this.#left = /chunked$/i.test(field(head, 'transfer-encoding')) ? -1 : Number(field(head, 'content-length'))
    return true
  }

  #skip(): boolean {
    const taken = Math.min(this.#left, this.#text.length)
    this.#text = this.#text.slice(taken)
    this.#left -= taken
    return this.#left === 0
  }

  #skipChunks(): boolean {
    for (;;) {
      const line = this.#text.indexOf('\r\n')
      if (line < 0) return false
      const size = parseInt(this.#text, 16)
      if (!(size >= 0)) throw new Error(`no chunk size: ${JSON.stringify(this.#text.slice(0, 20))}`)
      // Without trailers, which nobody here sends: the last chunk ends with two line ends, as the others do.
      const end = line + 2 + size + 2
      if (this.#text.length < end) return false
      this.#text = this.#text.slice(end)
      if (size === 0) return true
    }
  }
}

function field(head: string, name: string): string {
  return new RegExp(`\\r\\n${name}:[ \\t]*(.*?)[ \\t]*(?:\\r\\n|$)`, 'i').exec(head)?.[1] ?? ''
}
