// The admin listener: a server of its own, bounded in connections, time and memory. What it tells is in resources.ts.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { parseBind, type Listener } from '../contract/listener.ts'
import { realAddress } from '../listeners/address-claim.ts'
import { listenShared } from '../listeners/listen-node.ts'
import { Refusal, refusalAnswer, type Answer } from './answer.ts'
import { actorOf, messageOf } from './actor.ts'
import { BodyReader, type Body } from './body.ts'
import { Gate } from './gate.ts'
import { Query } from './query.ts'
import { RefusedAttempts } from './refused-attempts.ts'
import type { AdminCall, Resource } from './resource.ts'
import { findResource, Workload, type Found } from './resources.ts'
import { IDLE_LIMIT, Sender } from './sending.ts'
import type { AdminState } from './state.ts'
import { StaticFiles } from './static-files.ts'

const DASHBOARD = new URL('dashboard/', import.meta.url).pathname

const LIMITS = {
  headersTimeout: 5000,
  /** Of a head and a body that is read; body.ts bounds how long it may be silent. */
  requestTimeout: 60_000,
  keepAliveTimeout: 5000,
  /** ms between two looks at the first two: the default of 30 s would let clients stay as long. */
  connectionsCheckingInterval: 1000,
  maxHeaderSize: 16 * 1024,
}
/** ms that the rest of a body may take which nobody reads */
const UNREAD_LIMIT = 5000
/** More are closed at once. */
const MOST_CONNECTIONS = 64
/** Requests that a client may send before it has its reply; with one more its connection is closed. */
const MOST_QUEUED = 16

export interface AdminListener extends Listener {
  /** What requests must know from now on; null: nothing. */
  useToken(token: string | null): void
}

export interface AdminOptions {
  readonly bind: string
  /** As ListenerOptions has it. */
  readonly shared?: boolean
  readonly token: string | null
}

/** Binds and listens. Rejects when the address cannot be had. */
export async function startAdmin(
  { bind, shared = false, token }: AdminOptions,
  state: AdminState,
): Promise<AdminListener> {
  const gate = new Gate('path' in parseBind(bind))
  gate.token = token
  const desk = new Desk(gate, await StaticFiles.read(DASHBOARD), state)
  const server = createServer(LIMITS, (request, response) => void desk.serve(request, response))
  server.maxConnections = MOST_CONNECTIONS
  server.timeout = IDLE_LIMIT
  const listening = await listenShared(server, bind, shared).catch((error: unknown) => {
    throw new Error(`cannot listen on ${bind} (admin): ${(error as Error).message}`, { cause: error })
  })
  // No descriptor is left for a connection, say: others are served all the same.
  server.on('error', (error) => state.log.error({ err: error }, 'the admin listener cannot take a connection'))
  const { port } = listening
  return {
    name: 'admin',
    address: realAddress(bind, port),
    port,
    active: 0,
    connections: 0,
    closeConnectionsAfterReplies() {},
    stopAccepting() {
      listening.stop()
      // Answers that are on their way are finished; clients that ask again and again come anew.
      server.keepAliveTimeout = 1
      server.closeIdleConnections()
    },
    close() {
      listening.stop()
      server.close()
      server.closeAllConnections()
    },
    useToken(next) {
      gate.token = next
    },
  }
}

/** Takes requests and sees to it that each gets an answer. */
class Desk {
  readonly #gate: Gate
  readonly #files: StaticFiles
  readonly #state: AdminState
  readonly #workload = new Workload()
  readonly #sender = new Sender()
  readonly #bodies = new BodyReader()
  readonly #attempts: RefusedAttempts
  readonly #queued = new WeakMap<Socket, number>()

  constructor(gate: Gate, files: StaticFiles, state: AdminState) {
    this.#gate = gate
    this.#files = files
    this.#state = state
    this.#attempts = new RefusedAttempts(state)
  }

  /** Never rejects. */
  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === 'GET' || request.method === 'HEAD') request.resume()
    if (response.socket === null && !(await this.#turn(request.socket, response))) return
    const gone = new AbortController()
    response.once('close', () => gone.abort())
    response.once('error', () => response.destroy())
    let answer: Answer
    try {
      answer = await this.#answer(request, response, gone.signal)
    } catch (error) {
      if (gone.signal.aborted) return
      answer = refusalAnswer(error instanceof Refusal ? error : this.#failed(request, error))
    }
    // What nobody has asked for is let go by, for a while, so that the client gets to its answer.
    request.resume()
    if (!request.complete) setTimeout(() => request.complete || request.destroy(), UNREAD_LIMIT).unref()
    if (gone.signal.aborted) discard(answer)
    else await this.#sender.send(response, answer)
  }

  /** One at a time is worked on for a client. False: it asks for too much, and is cut off. */
  async #turn(socket: Socket, response: ServerResponse): Promise<boolean> {
    const queued = (this.#queued.get(socket) ?? 0) + 1
    if (queued > MOST_QUEUED) {
      socket.destroy()
      return false
    }
    this.#queued.set(socket, queued)
    // Never comes when the client goes: then nothing holds this any more.
    await new Promise<void>((resolve) => response.once('socket', () => resolve()))
    this.#queued.set(socket, this.#queued.get(socket)! - 1)
    return true
  }

  async #answer(request: IncomingMessage, response: ServerResponse, signal: AbortSignal): Promise<Answer> {
    const { method = '', url = '' } = request
    const mark = url.indexOf('?')
    const path = mark < 0 ? url : url.slice(0, mark)
    if (this.#files.has(path)) return this.#file(request, method, path)
    const { resource, place } = this.#find(request, method, path)
    // A profile takes longer than connections may be silent. Sending it, they may not be for longer than before.
    if (resource.access === 'debug') response.socket?.setTimeout(0)
    const query = new Query(mark < 0 ? '' : url.slice(mark))
    if (resource.parameters !== null) query.allow(resource.parameters)
    const body = resource.body === undefined ? null : await this.#bodies.read(request, resource.body)
    try {
      return await this.#workload.run(resource, this.#call(request, { query, place, body, signal }), this.#state)
    } finally {
      body?.release()
    }
  }

  #call(
    request: IncomingMessage,
    call: Pick<AdminCall, 'query' | 'place' | 'signal'> & { readonly body: Body | null },
  ): AdminCall {
    const { headers } = request
    return {
      ...call,
      ifNoneMatch: headers['if-none-match'] ?? '',
      ifMatch: headers['if-match'] ?? '',
      accept: headers.accept ?? '',
      actor: actorOf(request, this.#gate.by),
      message: messageOf(headers),
    }
  }

  #file(request: IncomingMessage, method: string, path: string): Answer {
    this.#gate.check(request, 'open')
    if (method !== 'GET' && method !== 'HEAD')
      throw new Refusal(405, `${path} has no ${method}`, { allow: 'GET, HEAD' })
    return this.#files.answer(path, request.headers['if-none-match'] ?? '')
  }

  /** Throws Refusal. */
  #find(request: IncomingMessage, method: string, path: string): Found {
    let found
    try {
      found = findResource(method, path, this.#files.paths())
    } catch (refusal) {
      // Who may not ask is told nothing, not even what there is not.
      this.#gate.check(request, 'read')
      throw refusal
    }
    this.#checkAccess(request, found.resource)
    return found
  }

  #checkAccess(request: IncomingMessage, { method, path, access }: Resource): void {
    try {
      this.#gate.check(request, access)
    } catch (error) {
      if (access === 'write' && error instanceof Refusal) this.#attempts.note(request, `${method} ${path}`, error)
      throw error
    }
  }

  #failed(request: IncomingMessage, error: unknown): Refusal {
    const path = request.url?.split('?', 1)[0] ?? ''
    this.#state.log.error({ path, err: error }, 'a request to the admin listener failed')
    return new Refusal(500, 'The request failed; the log says why.')
  }
}

function discard({ body }: Answer): void {
  if (typeof body !== 'string' && !Buffer.isBuffer(body)) body.destroy()
}
