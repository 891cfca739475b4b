// One question to the service that decides, and its answer. A client of its own: the road's transports belong to upstreams.
import { Agent, request, type ClientRequest, type IncomingMessage } from 'node:http'
import { isFieldValue } from '../../src/base/headers.ts'

export interface Answer {
  readonly status: number
  /** Flat, names in lower case. */
  readonly headers: readonly string[]
  /** Of a refusal; null when it was too large, cut or late. Empty for anything else. */
  readonly body: Buffer | null
}

/** Bytes of a body that are read. */
const LARGEST_BODY = 64 * 1024
const NOTHING = Buffer.alloc(0)

/** 401, 403 and redirects are decisions: they reach the client, body included. */
export function isRefusal(status: number): boolean {
  return status === 401 || status === 403 || (status >= 300 && status < 400)
}

export class AuthService {
  readonly agent: Agent
  readonly #url: URL
  readonly #timeout: number
  readonly #concurrency: number
  #asking = 0

  /** `timeout` in ms, from the question to the end of the answer. */
  constructor(url: URL, timeout: number, concurrency: number) {
    this.#url = url
    this.#timeout = timeout
    this.#concurrency = concurrency
    this.agent = new Agent({ keepAlive: true, maxSockets: concurrency, maxFreeSockets: concurrency })
  }

  /** Rejects when there is no answer in time, or no room to ask. `headers` are flat. */
  ask(headers: readonly string[]): Promise<Answer> {
    if (this.#asking >= this.#concurrency) return Promise.reject(new Error('too many questions at once'))
    this.#asking++
    return new Promise<Answer>((resolve, reject) => {
      const question = new Question(resolve, reject, this.#timeout, () => this.#send(headers))
      question.onEnd = () => this.#asking--
      question.begin()
    })
  }

  #send(headers: readonly string[]): ClientRequest {
    const { hostname, port, pathname, search, host } = this.#url
    return request({
      agent: this.agent,
      // An IPv6 literal has brackets in a URL, and none as an address.
      host: hostname.startsWith('[') ? hostname.slice(1, -1) : hostname,
      port: port === '' ? 80 : Number(port),
      path: pathname + search,
      method: 'GET',
      headers: ['host', host, ...headers],
    })
  }
}

class Question {
  /** The connection is free again, or gone. */
  onEnd: () => void = () => {}
  readonly #resolve: (answer: Answer) => void
  readonly #reject: (error: Error) => void
  readonly #send: () => ClientRequest
  readonly #timer: NodeJS.Timeout
  #request: ClientRequest | null = null
  #answered = false
  #again = true

  constructor(
    resolve: (answer: Answer) => void,
    reject: (error: Error) => void,
    timeout: number,
    send: () => ClientRequest,
  ) {
    this.#resolve = resolve
    this.#reject = reject
    this.#send = send
    this.#timer = setTimeout(() => this.#request?.destroy(new Error('no answer in time')), timeout)
  }

  begin(): void {
    const sent = this.#send()
    this.#request = sent
    let failure = new Error('the connection was closed')
    sent.on('error', (error) => (failure = error))
    sent.on('response', (message) => this.#read(message))
    sent.on('close', () => {
      // A keep-alive connection that the service has just closed says nothing about the service.
      if (!this.#answered && this.#again && sent.reusedSocket && isReset(failure)) {
        this.#again = false
        this.begin()
        return
      }
      clearTimeout(this.#timer)
      if (!this.#answered) this.#reject(failure)
      this.onEnd()
    })
    sent.end()
  }

  #read(message: IncomingMessage): void {
    this.#answered = true
    const status = message.statusCode!
    const headers = message.rawHeaders.map((text, i) => (i % 2 === 0 ? text.toLowerCase() : text))
    const chunks: Buffer[] = []
    let size = 0
    message.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > LARGEST_BODY) message.destroy()
      else chunks.push(chunk)
    })
    message.on('error', () => {})
    if (!headers.every(isFieldValue)) {
      this.#reject(new Error('a header of the answer has characters that HTTP forbids'))
      message.destroy()
    } else if (!isRefusal(status)) {
      this.#resolve({ status, headers, body: NOTHING })
    } else {
      // The decision stands: what becomes of its body changes nothing about it.
      // A body that was destroyed for its size may look complete, when its end came in the same read.
      message.on('close', () => {
        const whole = message.complete && size <= LARGEST_BODY
        this.#resolve({ status, headers, body: whole ? Buffer.concat(chunks) : null })
      })
    }
  }
}

function isReset(error: Error): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ECONNRESET' || code === 'EPIPE'
}
