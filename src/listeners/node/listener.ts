// The node engine, on node:http: slower than uWS and stricter; HTTP/1.0 and absolute-form too.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { ERRORS, type ErrorKind } from '../../base/errors.ts'
import { statusLine } from '../../base/status-text.ts'
import { Exchange } from '../../contract/exchange.ts'
import type { ListenerContext, Road } from '../../contract/road.ts'
import type { ListenerOptions, RequestListener } from '../../contract/listener.ts'
import { realAddress } from '../address-claim.ts'
import { listenShared } from '../listen-node.ts'
import { NodeReply } from './reply.ts'

const MAX_HEAD_SIZE = 16 * 1024
const NOTHING = new Uint8Array(0)

/** Binds and listens. Rejects when the address cannot be had. */
export async function listenNode(options: ListenerOptions, road: Road): Promise<RequestListener> {
  const context: ListenerContext = {
    name: options.name,
    scheme: 'http',
    canonicalPath: options.canonicalPath,
    lenientChunks: false,
    draining: false,
    active: 0,
    recycle() {}, // node allocates far more per request than an Exchange
  }
  const server = createServer({
    insecureHTTPParser: false,
    requireHostHeader: false, // the guard answers with a problem document
    maxHeaderSize: MAX_HEAD_SIZE,
    headersTimeout: 10_000,
    requestTimeout: 0, // uploads may be long; the idle timeout of the road ends those that stall
    keepAliveTimeout: 60_000,
    connectionsCheckingInterval: 1_000,
    noDelay: true,
  })
  server.maxHeadersCount = 0 // 0: none is dropped silently; their size is limited
  /** Exchanges whose reply is due, by connection: an error must not be written into the middle of one. */
  const pending = new WeakMap<Socket, Set<Exchange>>()

  const accept = (request: IncomingMessage, response: ServerResponse, continues: boolean): void => {
    const { socket } = request
    const x = new Exchange(road, context)
    const due = pending.get(socket) ?? new Set()
    pending.set(socket, due.add(x))
    x.reply = new NodeReply(x, request, response)
    response.on('close', () => {
      due.delete(x)
      if (!response.writableFinished) road.aborted(x)
    })
    response.on('error', () => {}) // 'close' follows
    readHead(x, request)
    road.handle(x)
    if (x.finished || x.body.complete) return
    if (continues) response.writeContinue()
    request.on('data', (chunk: Buffer) => road.received(x, chunk, false))
    request.on('end', () => road.received(x, NOTHING, true))
  }
  let connections = 0
  server.on('connection', (socket) => {
    connections++
    socket.on('close', () => {
      connections--
      // A response that waits behind another one has no socket yet, and node does not tell it.
      for (const x of pending.get(socket) ?? []) road.aborted(x)
    })
  })
  server.on('request', (request, response) => accept(request, response, false))
  server.on('checkContinue', (request, response) => accept(request, response, true))
  server.on('checkExpectation', (request, response) => accept(request, response, false))
  server.on('connect', (_request, socket) => refuse(socket as Socket, ERRORS.notImplemented))
  server.on('clientError', (error: Error & { code?: string }, socket) => {
    const [first, ...others] = pending.get(socket as Socket) ?? []
    if (!socket.writable || others.length > 0) socket.destroy()
    else if (first !== undefined) road.malformed(first)
    else refuse(socket as Socket, kindOf(error.code))
  })

  const { bind, shared = false } = options
  const listening = await listenShared(server, bind, shared).catch((error: unknown) => {
    throw new Error(`cannot listen on ${bind}: ${(error as Error).message}`, { cause: error })
  })
  const closeConnectionsAfterReplies = (): void => void (context.draining = true)
  const stopAccepting = (): void => {
    closeConnectionsAfterReplies()
    listening.stop()
  }
  return {
    name: options.name,
    address: realAddress(bind, listening.port),
    port: listening.port,
    get active() {
      return context.active
    },
    get connections() {
      return connections
    },
    pooled: 0,
    closeConnectionsAfterReplies,
    stopAccepting,
    close() {
      stopAccepting()
      server.close() // and the look at its connections every second
      server.closeAllConnections()
    },
  }
}

function readHead(x: Exchange, request: IncomingMessage): void {
  x.method = request.method!
  x.target = request.url!
  x.minorVersion = request.httpVersionMinor
  x.peerIp = peerAddress(request.socket)
  const raw = request.rawHeaders
  for (let i = 0; i < raw.length; i += 2) x.headers.push(raw[i]!.toLowerCase(), raw[i + 1]!)
}

/** IPv4 on a dual-stack socket in its own form; 127.0.0.1 for a unix socket, whose peers are local by nature. */
function peerAddress(socket: Socket): string {
  const address = socket.remoteAddress ?? '127.0.0.1'
  return address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address
}

function kindOf(code: string | undefined): ErrorKind {
  if (code === 'HPE_HEADER_OVERFLOW') return ERRORS.headTooLarge
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return ERRORS.requestTimeout
  return ERRORS.badRequest
}

/** Answers what never became a request, and closes. */
function refuse(socket: Socket, { status, title, code }: ErrorKind): void {
  const body = JSON.stringify({ type: 'about:blank', title, status, code })
  socket.on('error', () => {})
  socket.end(
    `HTTP/1.1 ${statusLine(status)}\r\ncontent-type: application/problem+json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
    () => socket.destroy(),
  )
}
