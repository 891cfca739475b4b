// A reply, fed byte by byte as a test wants it to the own client and to node:http, and what each makes of it.
import { EventEmitter } from 'node:events'
import { request as httpRequest } from 'node:http'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { HeaderList } from '../../src/base/headers.ts'
import { isHopByHop } from '../../src/base/hop-by-hop.ts'
import { TimerWheel } from '../../src/base/timer-wheel.ts'
import { Exchange } from '../../src/contract/exchange.ts'
import type { ListenerContext, Road } from '../../src/contract/road.ts'
import type { ResponseReceiver } from '../../src/contract/transport.ts'
import { WireAttempt } from '../../src/upstreams/wire/attempt.ts'
import { WireConnection, type ConnectionPool } from '../../src/upstreams/wire/connection.ts'
import type { WireOptions } from '../../src/upstreams/wire/options.ts'

export interface Outcome {
  /** complete; failed: a cut, or not HTTP. */
  readonly end: 'complete' | 'failed'
  readonly status: number
  /** Flat, names in lower case; without framing and connection fields. */
  readonly headers: readonly string[]
  readonly body: string
  /** Ours: the code of the failure, '' without one; node's: its error. */
  readonly why: string
  /** Ours: the connection would have served another request. */
  readonly reusable: boolean
}

export const OPTIONS: WireOptions = {
  connectTimeout: 0,
  maxConnections: 1,
  queue: 1,
  keepAlive: 1000,
  maxRequests: 1000,
  maxHeadSize: 16 * 1024,
  maxFields: 100,
  pipelining: 1,
}

/** A socket that reads what the test feeds. */
class FedSocket extends EventEmitter {
  readonly writableLength = 0
  readonly writableNeedDrain = false
  destroyed = false
  readonly #onread: { readonly buffer: Buffer; readonly callback: (length: number, bytes: Uint8Array) => boolean }

  constructor(onread: { buffer: Buffer; callback: (length: number, bytes: Uint8Array) => boolean }) {
    super()
    this.#onread = onread
  }

  feed(bytes: Buffer): void {
    bytes.copy(this.#onread.buffer)
    if (!this.destroyed) this.#onread.callback(bytes.length, this.#onread.buffer)
    this.#onread.buffer.fill(0xaa, 0, bytes.length) // whoever kept a view sees it
  }

  write(): boolean {
    return true
  }

  cork(): void {}
  uncork(): void {}
  pause(): void {}
  resume(): void {}

  destroy(): void {
    this.destroyed = true
  }
}

/** Feeds the pieces, then the end of the connection, to a connection that waits for one reply. */
export function feedWire(pieces: readonly Buffer[], method = 'GET'): Outcome {
  const body: string[] = []
  let end: Outcome['end'] | '' = ''
  let why = ''
  let reusable = false
  let seen: Pick<Outcome, 'status' | 'headers'> = { status: 0, headers: [] }
  const receiver: ResponseReceiver = {
    connected() {},
    sent() {},
    head(x) {
      const headers = new HeaderList()
      x.responseHead!.copyTo(headers)
      seen = { status: x.status, headers: headers.toArray() }
    },
    data: (_, bytes) => void body.push(Buffer.from(bytes).toString('latin1')),
    ended: () => void (end = 'complete'),
    failed(_, failure) {
      end = 'failed'
      why = failure.kind.code
    },
  }
  const pool: ConnectionPool = {
    established() {},
    idle: () => void (reusable = true),
    relieved() {},
    closed: () => void (reusable = false),
    recycle() {},
  }
  let socket!: FedSocket
  const connection = new WireConnection('h', 80, OPTIONS, new TimerWheel(), pool, (options) => {
    socket = new FedSocket(options.onread as never)
    return socket as unknown as Socket
  })
  socket.emit('connect')
  const x = new Exchange({} as Road, {} as ListenerContext)
  x.method = method
  x.upstreamTarget = '/'
  const attempt = new WireAttempt({ leave() {}, saturated: false })
  attempt.start(x, receiver)
  connection.assign(attempt)
  attempt.headWaits = false // it was written
  for (const piece of pieces) socket.feed(piece)
  const idle = reusable
  socket.emit('end')
  socket.emit('close')
  if (end === '') throw new Error('neither complete nor failed after the end of the connection')
  return { end, why, reusable: idle, body: body.join(''), ...seen, headers: comparable(seen.headers) }
}

/** The same for node:http. */
export function feedNode(pieces: readonly Buffer[], method = 'GET'): Promise<Outcome> {
  return new Promise((resolve) => {
    const stream = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() })
    const body: string[] = []
    let status = 0
    let headers: string[] = []
    let why = ''
    let complete = false
    const finish = (): void =>
      resolve({
        end: complete ? 'complete' : 'failed',
        status,
        headers: comparable(headers),
        body: body.join(''),
        why,
        reusable: false,
      })
    const request = httpRequest({ method, path: '/', host: 'h', createConnection: () => stream })
    request.on('response', (response) => {
      status = response.statusCode!
      headers = response.rawHeaders.map((text, i) => (i % 2 === 0 ? text.toLowerCase() : text))
      response.setEncoding('latin1')
      response.on('data', (text: string) => body.push(text))
      response.on('error', (error) => (why = error.message))
      response.on('end', () => (complete = response.complete))
    })
    request.on('upgrade', () => (why = 'upgrade'))
    request.on('error', (error) => (why = error.message))
    request.on('close', () => setImmediate(finish))
    request.end()
    setImmediate(() => {
      for (const piece of pieces) stream.push(piece)
      stream.push(null)
    })
  })
}

function comparable(headers: readonly string[]): string[] {
  const kept: string[] = []
  for (let i = 0; i < headers.length; i += 2)
    if (!isHopByHop(headers[i]!) && headers[i] !== 'content-length') kept.push(`${headers[i]}: ${headers[i + 1]}`)
  return kept.toSorted() // Date is kept apart by ours
}
