// Asks the admin listener of a gateway, over TCP or a unix socket, and trusts nothing that it says.
import { request, type IncomingHttpHeaders, type IncomingMessage, type RequestOptions } from 'node:http'
import { request as secureRequest } from 'node:https'
import { isRecord } from '../config/document.ts'
import type { Problem } from '../config/problem.ts'

/** ms */
const TIMEOUT = 5_000
/** A report on 10,000 routes has about 3 MiB. */
const MOST_BYTES = 64 << 20
/** Nobody mends more of them at a time. */
const MOST_PROBLEMS = 1_000

/** The gateway does not do what it is asked; `status` is 0 when there was no reply. */
export class AdminRefusal extends Error {
  readonly status: number
  /** What is wrong with the configuration that it was given. */
  readonly problems: readonly Problem[]

  constructor(status: number, message: string, problems: readonly Problem[] = [], cause?: unknown) {
    super(message, { cause })
    this.status = status
    this.problems = problems
  }
}

export interface AdminQuestion {
  readonly method?: 'GET' | 'PUT' | 'POST' | 'PATCH'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly signal?: AbortSignal
  /** ms until the whole answer is there; 5 s unless it is said. */
  readonly timeout?: number
}

export interface AdminAnswer {
  readonly headers: IncomingHttpHeaders
  /** What its JSON says; undefined when it has no body. */
  readonly value: unknown
}

interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

export class AdminClient {
  readonly #base: URL
  readonly #socketPath: string | undefined
  readonly #token: string

  /** `address`: http://host:port, https://host:port or unix:/path. Throws TypeError when it is none of them. */
  constructor(address: string, token: string) {
    this.#socketPath = address.startsWith('unix:') ? address.slice('unix:'.length) : undefined
    this.#base = new URL(this.#socketPath === undefined ? address : 'http://localhost')
    if (!/^https?:$/.test(this.#base.protocol)) throw new TypeError('not an http address')
    this.#token = token
  }

  /** JSON of the path. Rejects with AdminRefusal. */
  async get<T>(path: string, signal?: AbortSignal): Promise<T> {
    return (await this.ask(path, signal === undefined ? {} : { signal })).value as T
  }

  /** Rejects with AdminRefusal unless the answer is a 2xx with JSON, or with nothing. */
  async ask(path: string, question: AdminQuestion = {}): Promise<AdminAnswer> {
    const { status, headers, text } = await this.#send(path, question)
    if (status < 200 || status > 299) throw refusal(status, text)
    if (text === '') return { headers, value: undefined }
    try {
      return { headers, value: JSON.parse(text) as unknown }
    } catch {
      throw new AdminRefusal(status, 'the answer is not JSON: is this the admin listener of a gateway?')
    }
  }

  #send(path: string, { method = 'GET', headers, body, signal, timeout = TIMEOUT }: AdminQuestion): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const late = AbortSignal.timeout(timeout)
      const fail = (error: Error): void => {
        const why = late.aborted ? `no whole answer in ${timeout / 1000} s` : error.message || 'no connection'
        reject(new AdminRefusal(0, why, [], error))
      }
      const send = this.#base.protocol === 'https:' ? secureRequest : request
      const options: RequestOptions = {
        method,
        agent: false,
        headers: {
          ...headers,
          ...(this.#token === '' ? {} : { authorization: `Bearer ${this.#token}` }),
          ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }),
        },
        signal: AbortSignal.any([late, ...(signal === undefined ? [] : [signal])]),
        ...(this.#socketPath === undefined ? {} : { socketPath: this.#socketPath }),
      }
      let answered = false
      const asked = send(new URL(path, this.#base), options, (response) => {
        answered = true
        read(response).then(resolve, (error: Error) => {
          asked.destroy()
          fail(error)
        })
      })
      asked.on('error', (error) => {
        // A gateway that refuses a large body may answer before it has read it all, and cut the rest.
        if (!answered) fail(error)
      })
      // Bytes: node would write the head, too, in the encoding of a body that is text.
      asked.end(body === undefined ? undefined : Buffer.from(body))
    })
  }
}

function read(response: IncomingMessage): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    response.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > MOST_BYTES) reject(new Error('the answer is too large'))
      else chunks.push(chunk)
    })
    response.on('error', reject)
    response.on('end', () => {
      const { statusCode, headers } = response
      resolve({ status: statusCode!, headers, text: Buffer.concat(chunks).toString() })
    })
  })
}

/** Does nobody listen there? */
export function isGone({ cause }: AdminRefusal): boolean {
  const { code = '' } = (cause ?? {}) as NodeJS.ErrnoException
  return code === 'ECONNREFUSED' || code === 'ENOENT'
}

/** What a problem (RFC 9457) says, if the answer is one. */
function refusal(status: number, text: string): AdminRefusal {
  let problem: unknown
  try {
    problem = JSON.parse(text)
  } catch {
    // Some other server.
  }
  const { detail, title, problems } = isRecord(problem) ? problem : {}
  const said = detail ?? title
  const why = typeof said === 'string' ? `: ${said}` : ''
  return new AdminRefusal(status, `the gateway answers ${status}${why}`, problemsOf(problems))
}

/** Problems of a configuration, as far as the list has such. */
export function problemsOf(list: unknown): Problem[] {
  if (!Array.isArray(list)) return []
  const records = (list as unknown[]).slice(0, MOST_PROBLEMS).filter(isRecord)
  return records.map(({ file, line, column, key, message }) => ({
    file: textOr(file, ''),
    line: typeof line === 'number' ? line : 1,
    column: typeof column === 'number' ? column : 1,
    key: textOr(key, ''),
    message: textOr(message, 'no reason is given'),
  }))
}

export function textOr(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise
}
