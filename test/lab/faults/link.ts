// A TCP link to any address that can be cut, delayed and lost. It knows nothing of what it carries: HTTP, Redis and etcd
// alike.
//
//   const link = await FaultyLink.start(redis.port)     // clients connect to link.port
//   await link.become({ kind: 'delay', ms: 200 })
//   await link.become({ kind: 'partition' })            // nothing moves, nothing closes, connecting hangs
//   await link.become({ kind: 'pass' })                 // what was held moves on
//   await link.close()
//
// The kernels of the usual machines here have no `tc netem`, hence a proxy. What it cannot do: lose or reorder single
// packets, or fill the buffers of the path; acknowledgements come from this machine. A change concerns live connections as
// well. The port never changes.
import { connect, type Server, type Socket } from 'node:net'
import { Blackhole } from './blackhole.ts'
import { abort, listenAgain, listenSomewhere } from './listening.ts'
import { Pump, type Pace } from './pump.ts'
import { Watch } from '../watch.ts'

export type Direction = 'to-server' | 'to-client'

export type LinkFault =
  | { readonly kind: 'pass' }
  /** All connections are reset, new ones refused. */
  | { readonly kind: 'cut' }
  /** Bytes stop in one direction, or in both; ends and resets stop with them. Connecting hangs (see blackhole.ts). */
  | { readonly kind: 'partition'; readonly direction?: Direction | 'both' }
  /** ms for each direction. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** For each direction of each connection. */
  | { readonly kind: 'throttle'; readonly bytesPerSecond: number }
  /**
   * By chance, connections are reset: this share of them when they connect, or, in mid-stream, this share of the chunks
   * towards the client (a reply is often one) goes half its way and is followed by a reset.
   */
  | { readonly kind: 'lose'; readonly share: number; readonly at: 'connect' | 'stream' }

export interface LinkCounts {
  accepted: number
  open: number
  /** Connections reset by `cut` and `lose`. */
  reset: number
  /** Bytes that were read for this direction. */
  toServer: number
  toClient: number
}

interface Pair {
  readonly client: Socket
  readonly server: Socket
  readonly toServer: Pump
  readonly toClient: Pump
}

export interface LinkOptions {
  readonly host?: string
  /** Numbers from 0 to below 1; for tests. */
  readonly random?: () => number
}

export class FaultyLink {
  readonly counts: LinkCounts = { accepted: 0, open: 0, reset: 0, toServer: 0, toClient: 0 }
  fault: LinkFault = { kind: 'pass' }
  #port = 0
  #server: Server | null = null
  #blackhole: Blackhole | null = null
  #switching: Promise<void> = Promise.resolve()
  readonly #target: { readonly port: number; readonly host: string }
  readonly #random: () => number
  readonly #pairs = new Set<Pair>()
  readonly #watch = new Watch()

  private constructor(port: number, { host = '127.0.0.1', random = Math.random }: LinkOptions) {
    this.#target = { port, host }
    this.#random = random
  }

  static async start(port: number, options: LinkOptions = {}): Promise<FaultyLink> {
    const link = new FaultyLink(port, options)
    const listening = await listenSomewhere(link.#accept)
    link.#server = listening.server
    link.#port = listening.port
    return link
  }

  get port(): number {
    return this.#port
  }

  /** Done when the fault is in force. Later calls wait for earlier ones. */
  become(fault: LinkFault): Promise<void> {
    const switched = this.#switching.then(() => this.#become(fault))
    this.#switching = switched.catch(() => {})
    return switched
  }

  /** Waits until something holds; it is looked at whenever anything happens here. */
  until(condition: () => boolean, what: string): Promise<void> {
    return this.#watch.until(condition, what)
  }

  async close(): Promise<void> {
    await this.become({ kind: 'cut' })
    await this.until(() => this.counts.open === 0, 'the connections of a link to be gone')
  }

  async #become(fault: LinkFault): Promise<void> {
    this.fault = fault
    if (fault.kind === 'cut' || fault.kind === 'partition') {
      this.#server?.close()
      this.#server = null
    }
    if (fault.kind !== 'partition' && this.#blackhole !== null) {
      await this.#blackhole.close()
      this.#blackhole = null
    }
    if (fault.kind === 'cut') for (const pair of this.#pairs) this.#reset(pair)
    for (const { toServer, toClient } of this.#pairs) {
      toServer.become(this.#pace('to-server'))
      toClient.become(this.#pace('to-client'))
    }
    if (fault.kind === 'partition') this.#blackhole ??= await Blackhole.open(this.#port)
    else if (fault.kind !== 'cut') this.#server ??= await listenAgain(this.#port, this.#accept)
    this.#watch.look()
  }

  #pace(direction: Direction): Pace {
    const { fault } = this
    return {
      delay: fault.kind === 'delay' ? fault.ms : 0,
      rate: fault.kind === 'throttle' ? fault.bytesPerSecond : null,
      held: fault.kind === 'partition' && (fault.direction ?? 'both') !== opposite(direction),
    }
  }

  #loses(at: 'connect' | 'stream'): boolean {
    return this.fault.kind === 'lose' && this.fault.at === at && this.#random() < this.fault.share
  }

  #reset({ client, server }: Pair): void {
    this.counts.reset++
    abort(client)
    abort(server)
  }

  readonly #accept = (client: Socket): void => {
    this.counts.accepted++
    if (this.#loses('connect')) {
      this.counts.reset++
      client.on('error', () => {})
      return abort(client)
    }
    const server = connect({ ...this.#target, allowHalfOpen: true, noDelay: true })
    const toServer = new Pump(client, server, this.#pace('to-server'), (bytes) => {
      this.counts.toServer += bytes
      this.#watch.look()
      return bytes
    })
    const toClient = new Pump(server, client, this.#pace('to-client'), (bytes) => {
      this.counts.toClient += bytes
      this.#watch.look()
      if (!this.#loses('stream')) return bytes
      this.counts.reset++
      setImmediate(() => abort(server))
      return bytes >> 1
    })
    const pair: Pair = { client, server, toServer, toClient }
    this.#pairs.add(pair)
    this.counts.open++
    let ends = 0
    for (const socket of [client, server]) {
      socket.on('close', () => {
        if (++ends < 2) return
        this.#pairs.delete(pair)
        this.counts.open--
        this.#watch.look()
      })
    }
    this.#watch.look()
  }
}

function opposite(direction: Direction): Direction {
  return direction === 'to-server' ? 'to-client' : 'to-server'
}
