// Clients that notice everything: on connections that stay, and on one of their own for each request.
import { connect, type Socket } from 'node:net'

export interface LoadCounts {
  requests: number
  /** Kinds of failure: `refused`, `reset`, `closed`, `status 503`. */
  readonly failures: Map<string, number>
}

export interface LoadOptions {
  /** Or the path of a unix socket. */
  readonly port: number | string
  /** Connections that stay until a reply says that they close. */
  readonly staying: number
  /** Clients that connect anew for each request. */
  readonly coming: number
  /** ms that each waits between two requests, at most; on average half of it. */
  readonly pause: number
}

/** ms after which a reply is not believed to come any more. */
const PATIENCE = 20_000
/** So many addresses of our own that local ports do not run out. */
const ADDRESSES = 16

export class RestartLoad {
  readonly counts: LoadCounts = { requests: 0, failures: new Map() }
  readonly #options: LoadOptions
  readonly #loops: Promise<void>[] = []
  #stopped = false
  #connections = 0

  constructor(options: LoadOptions) {
    this.#options = options
    for (let i = 0; i < options.staying; i++) this.#loops.push(this.#loop(true))
    for (let i = 0; i < options.coming; i++) this.#loops.push(this.#loop(false))
  }

  /** Resolves when `count` more requests have had their answer. */
  async more(count: number): Promise<void> {
    const end = this.counts.requests + count
    while (this.counts.requests < end) await new Promise((resolve) => setTimeout(resolve, 10))
  }

  async stop(): Promise<LoadCounts> {
    this.#stopped = true
    await Promise.all(this.#loops)
    return this.counts
  }

  async #loop(stays: boolean): Promise<void> {
    let socket: Socket | null = null
    while (!this.#stopped) {
      socket ??= this.#connect()
      const { failure, closes } = await ask(socket, stays)
      this.counts.requests++
      if (failure !== '') this.counts.failures.set(failure, (this.counts.failures.get(failure) ?? 0) + 1)
      if (!stays || closes || failure !== '') {
        socket.destroy()
        socket = null
      }
      await new Promise((resolve) => setTimeout(resolve, Math.random() * this.#options.pause))
    }
    socket?.destroy()
  }

  #connect(): Socket {
    const { port } = this.#options
    const localAddress = `127.0.0.${2 + (this.#connections++ % ADDRESSES)}`
    const socket =
      typeof port === 'string' ? connect(port) : connect({ port, host: '127.0.0.1', localAddress, noDelay: true })
    socket.setEncoding('latin1')
    socket.on('error', () => {}) // of a connection that is idle; the next request on it tells
    return socket
  }
}

interface Verdict {
  readonly failure: string
  readonly closes: boolean
}

/** A connection that the gateway has closed while it was idle counts as a failure too: it has lost a request. */
function ask(socket: Socket, stays: boolean): Promise<Verdict> {
  return new Promise((resolve) => {
    let received = ''
    const end = (failure: string, closes = true): void => {
      clearTimeout(timer)
      socket.off('data', read).off('error', fail).off('close', close)
      resolve({ failure, closes })
    }
    const read = (text: string): void => {
      received += text
      const head = received.indexOf('\r\n\r\n')
      const length = Number(/content-length: (\d+)/i.exec(received)?.[1] ?? NaN)
      if (head < 0 || received.length < head + 4 + length) return
      const status = received.slice(9, 12)
      end(status === '200' ? '' : `status ${status}`, /\r\nconnection: close/i.test(received))
    }
    const fail = ({ code }: NodeJS.ErrnoException): void => {
      end(code === 'ECONNREFUSED' ? 'refused' : code === 'ECONNRESET' || code === 'EPIPE' ? 'reset' : String(code))
    }
    const close = (): void => end('closed')
    const timer = setTimeout(() => end('no answer'), PATIENCE)
    socket.on('data', read).on('error', fail).on('close', close)
    if (socket.destroyed) close()
    else socket.write(`GET /app HTTP/1.1\r\nHost: a\r\n${stays ? '' : 'Connection: close\r\n'}\r\n`)
  })
}
