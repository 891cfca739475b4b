// Upstreams that behave, and upstreams that do not. The bad ones write their bytes by hand: no server library would.
import { createHash } from 'node:crypto'
import { createServer as createHttpServer, type IncomingMessage, type RequestListener } from 'node:http'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { Watch } from './watch.ts'

/** Request as it arrived. */
export interface Seen {
  readonly method: string
  readonly target: string
  /** Flat, names in lower case. */
  readonly headers: readonly string[]
  header(name: string): string
  /** Bytes of the body so far, and their digest once it is complete. */
  bytes: number
  sha256: string
  /** complete, or cut by the other side. */
  end: 'open' | 'complete' | 'cut'
}

export class Upstream {
  readonly seen: Seen[] = []
  readonly sockets = new Set<Socket>()
  opened = 0
  readonly #server: Server
  readonly #watch = new Watch()

  private constructor(server: Server) {
    this.#server = server
    server.on('connection', (socket: Socket) => {
      this.opened++
      this.sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        this.sockets.delete(socket)
        this.wake()
      })
      this.wake()
    })
  }

  static async start(test: TestContext, server: Server, port = 0): Promise<Upstream> {
    const upstream = new Upstream(server)
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve))
    test.after(() => upstream.close())
    return upstream
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** Waits until something holds; it is looked at whenever anything happens here. */
  until(condition: () => boolean, what: string): Promise<void> {
    return this.#watch.until(condition, what)
  }

  wake(): void {
    this.#watch.look()
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy()
    this.#server.close()
  }
}

/** An upstream on node:http that records what it sees and hands each request to `answer`. */
export async function startHttpUpstream(test: TestContext, answer: RequestListener): Promise<Upstream> {
  const server = createHttpServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    record(upstream, request)
    response.on('error', () => {})
    answer(request, response)
  })
  const upstream: Upstream = await Upstream.start(test, server)
  return upstream
}

function record(upstream: Upstream, request: IncomingMessage): void {
  const headers = request.rawHeaders.map((text, i) => (i % 2 === 0 ? text.toLowerCase() : text))
  const seen: Seen = {
    method: request.method!,
    target: request.url!,
    headers,
    header: (name) => headers.find((_, i) => i % 2 === 1 && headers[i - 1] === name) ?? '',
    bytes: 0,
    sha256: '',
    end: 'open',
  }
  upstream.seen.push(seen)
  const hash = createHash('sha256')
  request.on('data', (chunk: Buffer) => {
    hash.update(chunk)
    seen.bytes += chunk.length
  })
  request.pause() // until the answer reads: it decides about the pace
  request.on('end', () => {
    seen.sha256 = hash.digest('hex')
    seen.end = 'complete'
    upstream.wake()
  })
  request.on('close', () => {
    if (seen.end === 'open') seen.end = 'cut'
    upstream.wake()
  })
  upstream.wake()
}

/** Answers with the body that it was sent, as it comes. */
export const echo: RequestListener = (request, response) => {
  response.setHeader('content-type', request.headers['content-type'] ?? 'application/octet-stream')
  request.pipe(response)
}

/** Answers with the whole body at once, of known length, after all of it has arrived. */
export const echoWhole: RequestListener = (request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => response.end(Buffer.concat(chunks)))
  request.resume()
}

/** Tells what arrived, as JSON. */
export const report: RequestListener = (request, response) => {
  request.resume()
  request.on('end', () => {
    response.setHeader('content-type', 'application/json')
    const headers = request.rawHeaders.map((text, i) => (i % 2 === 0 ? text.toLowerCase() : text))
    response.end(JSON.stringify({ method: request.method, target: request.url, headers }))
  })
}

/** An upstream on bare sockets: `answer` is called once for each request head that arrives. */
export async function startRawUpstream(
  test: TestContext,
  answer: (socket: Socket, request: { readonly number: number; readonly head: string }) => void,
): Promise<Upstream> {
  let number = 0
  const server = createServer((socket) => {
    let received = ''
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1')
      for (let end = received.indexOf('\r\n\r\n'); end >= 0; end = received.indexOf('\r\n\r\n')) {
        const head = received.slice(0, end)
        received = received.slice(end + 4)
        answer(socket, { number: ++number, head })
        upstream.wake()
      }
    })
  })
  const upstream: Upstream = await Upstream.start(test, server)
  return upstream
}

/** A port on which nobody listens: it was free a moment ago. */
export async function refusingPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/**
 * A port that nobody has, and that the system gives to no connection while its owner is away: below those that it hands
 * out by itself.
 */
export async function stablePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000)
    const server = createServer()
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true))
    })
    if (!isFree) continue
    await new Promise((resolve) => server.close(resolve))
    return port
  }
}
