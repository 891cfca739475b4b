// Asks the admin listener of a gateway, over TCP or a unix socket, and trusts nothing that it says.
import { request } from 'node:http'
import { request as secureRequest } from 'node:https'

/** ms */
const TIMEOUT = 5_000
/** A report on 10,000 routes has about 3 MiB. */
const MOST_BYTES = 64 << 20

/** The gateway does not do what it is asked; `status` is 0 when there was no reply. */
export class AdminRefusal extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
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
    const { status, text } = await this.#ask(path, signal)
    if (status !== 200) throw new AdminRefusal(status, `the gateway answers ${status}${detailOf(text)}`)
    try {
      return JSON.parse(text) as T
    } catch {
      throw new AdminRefusal(status, 'the answer is not JSON: is this the admin listener of a gateway?')
    }
  }

  #ask(path: string, signal: AbortSignal | undefined): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const fail = (error: Error): void => reject(new AdminRefusal(0, error.message || 'no connection'))
      const send = this.#base.protocol === 'https:' ? secureRequest : request
      const asked = send(
        new URL(path, this.#base),
        {
          agent: false,
          headers: this.#token === '' ? {} : { authorization: `Bearer ${this.#token}` },
          signal: AbortSignal.any([AbortSignal.timeout(TIMEOUT), ...(signal === undefined ? [] : [signal])]),
          ...(this.#socketPath === undefined ? {} : { socketPath: this.#socketPath }),
        },
        (response) => {
          const chunks: Buffer[] = []
          let size = 0
          response.on('data', (chunk: Buffer) => {
            size += chunk.length
            if (size > MOST_BYTES) asked.destroy(new Error('the answer is too large'))
            else chunks.push(chunk)
          })
          response.on('error', fail)
          response.on('end', () => resolve({ status: response.statusCode!, text: Buffer.concat(chunks).toString() }))
        },
      )
      asked.on('error', (error) => {
        fail(error.name === 'TimeoutError' ? new Error(`no answer in ${TIMEOUT / 1000} s`) : error)
      })
      asked.end()
    })
  }
}

/** `: detail` of a problem (RFC 9457), if it is one. */
function detailOf(text: string): string {
  try {
    const { detail, title } = JSON.parse(text) as { detail?: unknown; title?: unknown }
    const said = detail ?? title
    return typeof said === 'string' ? `: ${said}` : ''
  } catch {
    return ''
  }
}
