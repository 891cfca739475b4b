// The uWS engine: native request -> Exchange. Fastest; HTTP/1.1 only.
import type { HttpRequest, HttpResponse, TemplatedApp, us_listen_socket } from 'uWebSockets.js'
import { ERRORS } from '../../base/errors.ts'
import { Exchange } from '../../contract/exchange.ts'
import type { Road } from '../../contract/road.ts'
import type { BindAddress, ListenerOptions, RequestListener } from '../../contract/listener.ts'
import { claimAddress, realAddress, type AddressClaim } from '../address-claim.ts'
import { ExchangePool } from '../exchange-pool.ts'
import { primeReading } from './flow.ts'
import { readHead, type TakeField } from './head.ts'
import { loadUws } from './load.ts'
import { Peers } from './peers.ts'
import { UwsReply } from './reply.ts'

const NOTHING = new Uint8Array(0)

/** uWS shares the port (SO_REUSEPORT), unless it is 0. address-claim.ts sees to it that nobody else has it. */
const DEFAULT_OPTIONS = 0

/** The overload with options is missing from the types of uWS. */
interface ListensWithOptions {
  listen(host: string, port: number, options: number, listening: (token: us_listen_socket | false) => void): void
}

/** Callbacks are bound once per pooled object; the reply is reached without a cast. */
class UwsExchange extends Exchange {
  readonly native: UwsReply
  readonly onData: (chunk: ArrayBuffer, last: boolean) => void
  readonly onAborted: () => void
  readonly takeField: TakeField

  constructor(road: Road, pool: ExchangePool) {
    super(road, pool)
    this.native = new UwsReply(this)
    this.reply = this.native
    this.onData = (chunk, last) => {
      this.native.inHandler = true
      road.received(this, chunk.byteLength === 0 ? NOTHING : new Uint8Array(chunk), last)
      this.native.inHandler = false
    }
    this.takeField = (name, value) => this.headers.push(name, value)
    this.onAborted = () => {
      this.native.detach()
      road.aborted(this)
    }
  }
}

/** Binds and listens. Rejects when no uWS binary loads or the address cannot be had. */
export async function listenUws(options: ListenerOptions, road: Road): Promise<RequestListener> {
  const uws = await loadUws()
  const pool: ExchangePool = new ExchangePool(options, () => new UwsExchange(road, pool))
  const app = uws.App()
  const peers = new Peers()
  let primed = false
  app.filter((res, change) => {
    if (!primed) primeReading(res)
    primed = true
    peers.count(res, change as number)
  })
  app.any('/*', (res, req) => accept(pool, peers, res, req))
  const { bind, shared = false } = options
  const { socket, claim } = await listen(app, bind, shared).catch((error: unknown) => {
    throw new Error(`cannot listen on ${bind}: ${(error as Error).message}`, { cause: error })
  })
  let listening = true
  const port = 'path' in claim.address ? 0 : uws.us_socket_local_port(socket)
  const closeConnectionsAfterReplies = (): void => void (pool.draining = true)
  const stopAccepting = (): void => {
    closeConnectionsAfterReplies()
    if (!listening) return
    listening = false
    uws.us_listen_socket_close(socket)
    claim.giveUp()
  }
  return {
    name: options.name,
    address: realAddress(bind, port),
    port,
    get active() {
      return pool.active
    },
    get connections() {
      return peers.open
    },
    get pooled() {
      return pool.free
    },
    closeConnectionsAfterReplies,
    stopAccepting,
    close() {
      stopAccepting()
      app.close()
    },
  }
}

async function listen(
  app: TemplatedApp,
  bind: string,
  shared: boolean,
): Promise<{ socket: us_listen_socket; claim: AddressClaim }> {
  const claim = await claimAddress(bind, shared)
  try {
    const socket = await listenAt(app, claim.address)
    claim.take()
    return { socket, claim }
  } catch (error) {
    app.close()
    claim.giveUp()
    throw error
  }
}

function listenAt(app: TemplatedApp, address: BindAddress): Promise<us_listen_socket> {
  return new Promise((resolve, reject) => {
    const listening = (token: us_listen_socket | false): void => {
      if (token) resolve(token)
      else reject(new Error('the address is in use or not ours'))
    }
    if ('path' in address) app.listen_unix(listening, address.path)
    else (app as unknown as ListensWithOptions).listen(address.host, address.port, DEFAULT_OPTIONS, listening)
  })
}

// Nothing may throw out of here: uWS would end the process.
function accept(pool: ExchangePool, peers: Peers, res: HttpResponse, req: HttpRequest): void {
  const x = pool.take() as UwsExchange
  x.native.start(res)
  x.peerIp = peers.addressOf(res)
  if (!readHead(x, req, x.takeField)) x.malformed = ERRORS.badHeader
  x.road.handle(x) // catches whatever is thrown
  x.native.inHandler = false
  // What was answered at once needs no watching, which costs a handle in C++.
  if (x.native.pending) res.onAborted(x.onAborted)
  // Bytes come after this handler has returned, so nothing is missed; a finished Exchange may be reused already.
  if (!x.finished && !x.body.complete) res.onData(x.onData)
}
