// HTTP/1.1 over a bare socket, for tests that care about bytes: what is sent is exactly what the test says, and what
// comes back is read strictly, so that a cut or malformed reply is never taken for a whole one.
import { connect, type Socket } from 'node:net'
import type { TestContext } from 'node:test'

const PATIENCE = 15_000

export interface RawResponse {
  readonly status: number
  /** Flat, names in lower case. */
  readonly headers: readonly string[]
  readonly body: Buffer
  header(name: string): string
}

/** How a connection ended. */
export type Ending = 'end' | 'reset'

export class RawClient {
  readonly socket: Socket
  #received = Buffer.alloc(0)
  #ending: Ending | null = null
  #wake: (() => void) | null = null

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk])
      this.#wake?.()
    })
    socket.on('end', () => this.#end('end'))
    socket.on('error', () => this.#end('reset'))
    socket.on('close', () => this.#end('end'))
  }

  /** `from`: another loopback address to connect from. */
  static async connect(test: TestContext, port: number, from = '127.0.0.1'): Promise<RawClient> {
    const socket = connect({ port, host: '127.0.0.1', localAddress: from, noDelay: true })
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject))
    test.after(() => socket.destroy())
    return new RawClient(socket)
  }

  get received(): Buffer {
    return this.#received
  }

  send(bytes: string | Uint8Array): void {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
  }

  /** One whole response; interim 1xx ones are passed over. Rejects when it is cut or malformed. */
  async response(method = 'GET'): Promise<RawResponse> {
    for (;;) {
      const head = await this.#head()
      if (head.status >= 200) return { ...head, body: await this.#body(method, head), header: head.header }
    }
  }

  /** Sends a request without a body and reads its response. The admin listener wants a Host of this machine. */
  async get(target: string, extra = ''): Promise<RawResponse> {
    this.send(`GET ${target} HTTP/1.1\r\nHost: localhost\r\n${extra}\r\n`)
    return this.response()
  }

  /** Waits until the other side has closed. */
  async ended(): Promise<Ending> {
    await this.#until(() => this.#ending !== null, 'the end of the connection')
    return this.#ending!
  }

  async #head(): Promise<Omit<RawResponse, 'body'>> {
    let end = -1
    await this.#until(() => (end = this.#received.indexOf('\r\n\r\n')) >= 0 || this.#ending !== null, 'a response head')
    if (end < 0)
      throw new Error(
        `the connection ended (${this.#ending}) before a head: ${JSON.stringify(this.#received.toString('latin1').slice(0, 200))}`,
      )
    const [line = '', ...fields] = this.#take(end + 4)
      .toString('latin1')
      .slice(0, -4)
      .split('\r\n')
    const status = /^HTTP\/1\.[01] (\d{3}) /.exec(line)
    if (status === null) throw new Error(`no status line: ${JSON.stringify(line)}`)
    const headers = fields.flatMap((field) => {
      const colon = field.indexOf(':')
      if (colon <= 0) throw new Error(`no header field: ${JSON.stringify(field)}`)
      return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()]
    })
    const header = (name: string): string => headers.find((_, i) => i % 2 === 1 && headers[i - 1] === name) ?? ''
    return { status: Number(status[1]), headers, header }
  }

  async #body(method: string, head: Omit<RawResponse, 'body'>): Promise<Buffer> {
    const lengths = head.headers.filter((_, i) => i % 2 === 1 && head.headers[i - 1] === 'content-length')
    if (lengths.length > 1) throw new Error('two content-lengths')
    if (method === 'HEAD' || head.status === 204 || head.status === 304) return Buffer.alloc(0)
    if (head.header('transfer-encoding') === 'chunked') {
      if (lengths.length > 0) throw new Error('content-length beside chunked')
      return this.#chunked()
    }
    if (lengths.length === 0) throw new Error('neither content-length nor chunked')
    return this.#exactly(Number(lengths[0]))
  }

  async #chunked(): Promise<Buffer> {
    const chunks: Buffer[] = []
    for (;;) {
      let end = -1
      await this.#until(() => (end = this.#received.indexOf('\r\n')) >= 0 || this.#ending !== null, 'a chunk size')
      if (end < 0) throw new Error('the chunked body was cut')
      const size = this.#take(end + 2)
        .toString('latin1')
        .trimEnd()
      if (!/^[0-9a-fA-F]+$/.test(size)) throw new Error(`chunk size ${JSON.stringify(size)}`)
      const chunk = await this.#exactly(parseInt(size, 16) + 2)
      if (chunk.subarray(-2).toString('latin1') !== '\r\n') throw new Error('no line end after a chunk')
      if (chunk.length === 2) return Buffer.concat(chunks)
      chunks.push(chunk.subarray(0, -2))
    }
  }

  async #exactly(length: number): Promise<Buffer> {
    await this.#until(() => this.#received.length >= length || this.#ending !== null, `${length} bytes`)
    if (this.#received.length < length)
      throw new Error(`the body was cut after ${this.#received.length} of ${length} bytes`)
    return this.#take(length)
  }

  #take(length: number): Buffer {
    const taken = this.#received.subarray(0, length)
    this.#received = this.#received.subarray(length)
    return taken
  }

  #end(ending: Ending): void {
    this.#ending ??= ending
    this.#wake?.()
  }

  #until(condition: () => boolean, what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      if (condition()) return resolve()
      const timer = setTimeout(() => {
        this.#wake = null
        reject(
          new Error(
            `waited in vain for ${what}; have ${JSON.stringify(this.#received.toString('latin1').slice(0, 200))}`,
          ),
        )
      }, PATIENCE)
      this.#wake = () => {
        if (!condition()) return
        clearTimeout(timer)
        this.#wake = null
        resolve()
      }
    })
  }
}
