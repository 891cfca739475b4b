// One check of an endpoint over a connection of its own. Whatever the endpoint does, it is told once what came of it
// ('' is well, anything else the reason), and no more than 64 KiB are read. How long it may take is up to the caller.
import { request as httpRequest, type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect, type Socket } from 'node:net'

const MOST_BYTES = 64 * 1024
const MOST_HEAD_BYTES = 16 * 1024

export interface HttpCheckOptions {
  /** Path and query. */
  readonly path: string
  /** Host header; '': that of the url. */
  readonly host: string
  /** Ranges of status codes that are well, both ends included. */
  readonly expected: readonly (readonly [from: number, to: number])[]
}

/** What is checked: `url` of the endpoint; `port` 0: that of the url. */
export interface CheckTarget {
  readonly url: URL
  readonly port: number
}

export class SingleCheck {
  /** What is known so far against the endpoint; '' if nothing. */
  problem = ''
  readonly #finished: (problem: string) => void
  readonly #failed = (error: NodeJS.ErrnoException): void => this.finish(error.code ?? error.message)
  #link: ClientRequest | Socket | null = null
  #response: IncomingMessage | null = null
  #done = false

  /** `finished` is called once, or never after `close`; not before the check was started. */
  constructor(finished: (problem: string) => void) {
    this.#finished = finished
  }

  /** The connection is established, that is all. Throws on a target that cannot be. */
  startTcp({ url, port }: CheckTarget): void {
    const socket = connect({ host: hostOf(url), port: portOf(url, port) })
    this.#watch(socket)
    socket.once('connect', () => this.finish(''))
  }

  /** A whole answer with an expected status; of a long one the first 64 KiB. Throws on options that cannot be sent. */
  startHttp(target: CheckTarget, options: HttpCheckOptions): void {
    const { url } = target
    const requestOptions: RequestOptions = {
      agent: false, // no keep-alive: a new connection is part of what is checked
      host: hostOf(url),
      port: portOf(url, target.port),
      path: options.path,
      headers: { Host: options.host || url.host, 'User-Agent': 'sluice-health-check' },
      maxHeaderSize: MOST_HEAD_BYTES,
    }
    // Like the traffic, the certificate is for the name in the url, whatever the Host header says.
    const secured = { ...requestOptions, servername: /^\[|^[\d.]+$/.test(url.hostname) ? '' : url.hostname }
    const request = url.protocol === 'https:' ? httpsRequest(secured) : httpRequest(requestOptions)
    this.#watch(request)
    request.once('socket', (socket) => this.#bound(socket))
    request.once('response', (response) => this.#read(response, options.expected))
    request.once('upgrade', () => this.finish('the answer switches protocols'))
    request.end()
  }

  /** Ends it with this result, unless it has one. */
  finish(problem: string): void {
    if (this.#done) return
    this.close()
    this.#finished(this.problem || problem)
  }

  /** Ends it without a result. Nothing is left open. */
  close(): void {
    this.#done = true
    this.#link?.destroy()
    this.#link = null
  }

  #watch(link: ClientRequest | Socket): void {
    this.#link = link
    // Stays: errors come after destroy, too.
    link.on('error', this.#failed)
    link.once('close', () => this.finish(this.#response?.complete === true ? '' : 'the connection was closed'))
  }

  #bound(socket: Socket): void {
    // The parser limits heads, but not how many of them come before the answer.
    let bytes = 0
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > MOST_BYTES) this.finish(this.#response !== null ? '' : `no answer in ${MOST_BYTES} bytes`)
    })
  }

  #read(response: IncomingMessage, expected: HttpCheckOptions['expected']): void {
    const { statusCode = 0 } = response
    this.#response = response
    if (!expected.some(([from, to]) => statusCode >= from && statusCode <= to)) this.problem = `status ${statusCode}`
    response.on('error', this.#failed)
    response.once('end', () => this.finish(''))
    response.resume()
  }
}

function hostOf({ hostname }: URL): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
}

function portOf(url: URL, port: number): number {
  return port || Number(url.port) || (url.protocol === 'https:' ? 443 : 80)
}
