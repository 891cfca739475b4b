// The admin listener: a server of its own, bounded in connections, time and memory. What it tells is in resources.ts.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { parseBind, type Listener } from '../contract/listener.ts'
import { Refusal, refusalAnswer, type Answer } from './answer.ts'
import { Gate } from './gate.ts'
import { Query } from './query.ts'
import { INTERNAL_RESOURCES } from './internal.ts'
import { RESOURCES, ResourceTable, Workload } from './resources.ts'
import { IDLE_LIMIT, Sender } from './sending.ts'
import type { AdminState } from './state.ts'
import type { Logger } from '../telemetry/logger.ts'
import { StaticFiles } from './static-files.ts'

export const DASHBOARD = new URL('dashboard/', import.meta.url).pathname

const LIMITS = {
  headersTimeout: 5000,
  requestTimeout: 5000,
  keepAliveTimeout: 5000,
  /** ms between two looks at the first two: the default of 30 s would let clients stay as long. */
  connectionsCheckingInterval: 1000,
  maxHeaderSize: 16 * 1024,
}
/** More are closed at once. */
const MOST_CONNECTIONS = 64
/** Requests that a client may send before it has its reply; with one more its connection is closed. */
const MOST_QUEUED = 16

export interface AdminListener extends Listener {
  /** What requests must know from now on; null: nothing. */
  useToken(token: string | null): void
}

/** What a listener serves, and to whom. */
export interface AdminService<S> {
  readonly resources: ResourceTable<S>
  readonly state: S
  readonly log: Logger
  /** Directory of a page; null: there is none. */
  readonly page: string | null
  /** Whoever can open the socket may ask for anything. */
  readonly trusting: boolean
}

const OWN = new ResourceTable(RESOURCES)
const OF_WORKER = new ResourceTable([...RESOURCES, ...INTERNAL_RESOURCES])

/** Of a gateway that is one process. */
export function startAdmin(bind: string, token: string | null, state: AdminState): Promise<AdminListener> {
  return listenAdmin(bind, token, { resources: OWN, state, log: state.log, page: DASHBOARD, trusting: false })
}

/**
 * Of a worker: all of it, and what the supervisor alone asks for. Nobody is asked for a token: `socket` lies in a directory
 * that nobody else may enter.
 */
export function startWorkerAdmin(socket: string, state: AdminState): Promise<AdminListener> {
  const service = { resources: OF_WORKER, state, log: state.log, page: null, trusting: true }
  return listenAdmin(`unix:${socket}`, null, service)
}

/** Binds and listens. Rejects when the address cannot be had. */
export async function listenAdmin<S>(
  bind: string,
  token: string | null,
  service: AdminService<S>,
): Promise<AdminListener> {
  const { log, page, trusting } = service
  const address = parseBind(bind)
  const gate = new Gate('path' in address, trusting)
  gate.token = token
  const desk = new Desk(gate, page === null ? StaticFiles.none : await StaticFiles.read(page), service)
  const server = createServer(LIMITS, (request, response) => void desk.serve(request, response))
  server.maxConnections = MOST_CONNECTIONS
  server.timeout = IDLE_LIMIT
  await new Promise<void>((resolve, reject) => {
    const fail = (error: Error): void => reject(new Error(`cannot listen on ${bind} (admin): ${error.message}`))
    server.once('error', fail)
    server.listen('path' in address ? { path: address.path } : address, () => resolve(void server.off('error', fail)))
  })
  // No descriptor is left for a connection, say: others are served all the same.
  server.on('error', (error) => log.error({ err: error }, 'the admin listener cannot take a connection'))
  const port = 'path' in address ? 0 : (server.address() as AddressInfo).port
  const stopAccepting = (): void => void server.close()
  return {
    name: 'admin',
    address: 'path' in address ? bind : bind.replace(/:\d+$/, `:${port}`),
    port,
    active: 0,
    stopAccepting,
    close() {
      stopAccepting()
      server.closeAllConnections()
    },
    useToken(next) {
      gate.token = next
    },
  }
}

/** Takes requests and sees to it that each gets an answer. */
class Desk<S> {
  readonly #gate: Gate
  readonly #files: StaticFiles
  readonly #service: AdminService<S>
  readonly #workload = new Workload()
  readonly #sender = new Sender()
  readonly #queued = new WeakMap<Socket, number>()

  constructor(gate: Gate, files: StaticFiles, service: AdminService<S>) {
    this.#gate = gate
    this.#files = files
    this.#service = service
  }

  /** Never rejects. */
  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.resume()
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

  #answer(request: IncomingMessage, response: ServerResponse, signal: AbortSignal): Answer | Promise<Answer> {
    const { method = '', url = '' } = request
    const mark = url.indexOf('?')
    const path = mark < 0 ? url : url.slice(0, mark)
    const ifNoneMatch = request.headers['if-none-match'] ?? ''
    if (this.#files.has(path)) {
      this.#gate.check(request, 'open')
      if (method !== 'GET' && method !== 'HEAD')
        throw new Refusal(405, `${path} has no ${method}`, { allow: 'GET, HEAD' })
      return this.#files.answer(path, ifNoneMatch)
    }
    let resource
    try {
      resource = this.#service.resources.find(method, path, this.#files.paths())
    } catch (refusal) {
      // Who may not ask is told nothing, not even what there is not.
      this.#gate.check(request, 'read')
      throw refusal
    }
    this.#gate.check(request, resource.access)
    // A profile takes longer than connections may be silent. Sending it, they may not be for longer than before.
    if (resource.access === 'debug') response.socket?.setTimeout(0)
    const query = new Query(mark < 0 ? '' : url.slice(mark))
    if (resource.parameters !== null) query.allow(resource.parameters)
    return this.#workload.run(
      resource,
      { query, ifNoneMatch, accept: request.headers.accept ?? '', signal },
      this.#service.state,
    )
  }

  #failed(request: IncomingMessage, error: unknown): Refusal {
    const path = request.url?.split('?', 1)[0] ?? ''
    this.#service.log.error({ path, err: error }, 'a request to the admin listener failed')
    return new Refusal(500, 'The request failed; the log says why.')
  }
}

function discard({ body }: Answer): void {
  if (typeof body !== 'string' && !Buffer.isBuffer(body)) body.destroy()
}
