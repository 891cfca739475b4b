// Asks the admin listener of a gateway, with whatever Host and fields a test wants to send.
import { request, type IncomingHttpHeaders } from 'node:http'
import type { GatewayProcess } from './gateway.ts'

export interface AdminReply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

export interface AdminQuestion {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string | string[]>>
  /** Cuts the connection when it is aborted. */
  readonly signal?: AbortSignal
}

export type Json = Record<string, any>

export class AdminClient {
  readonly #address: { readonly port: number } | { readonly socketPath: string }
  readonly #token: string

  constructor(gateway: Pick<GatewayProcess, 'port'>, { token = '', socketPath = '' } = {}) {
    this.#address = socketPath === '' ? { port: gateway.port('admin') } : { socketPath }
    this.#token = token
  }

  ask(path: string, { method = 'GET', headers = {}, signal }: AdminQuestion = {}): Promise<AdminReply> {
    const authorization = this.#token === '' ? {} : { authorization: `Bearer ${this.#token}` }
    return new Promise((resolve, reject) => {
      const asked = request(
        {
          ...this.#address,
          host: '127.0.0.1',
          path,
          method,
          agent: false,
          headers: { ...authorization, ...headers },
          ...(signal === undefined ? {} : { signal }),
        },
        (response) => {
          let text = ''
          response.setEncoding('utf8')
          response.on('data', (chunk: string) => (text += chunk))
          response.on('error', reject)
          response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, text }))
        },
      )
      asked.on('error', reject)
      asked.end()
    })
  }

  /** The body of a 200. */
  async json(path: string): Promise<Json> {
    const { status, text } = await this.ask(path)
    if (status !== 200) throw new Error(`${path}: ${status} ${text}`)
    return JSON.parse(text) as Json
  }

  /** Status and detail of a refusal. */
  async refusal(path: string, question: AdminQuestion = {}): Promise<string> {
    const { status, headers, text } = await this.ask(path, question)
    if (headers['content-type'] !== 'application/problem+json') throw new Error(`${path}: ${status} ${text}`)
    return `${status} ${(JSON.parse(text) as Json)['detail']}`
  }
}
