// An endpoint that can be made faulty at any moment.
//
//   const endpoint = await FaultyEndpoint.start('a')        // 127.0.0.1, a free port, healthy
//   await endpoint.become({ kind: 'errors', share: 0.3 })   // every fault is in fault.ts
//   await endpoint.until(() => endpoint.requests.failed > 2, 'three failures')
//   endpoint.report()                                       // all counts, and arrivals per second
//   await endpoint.close()                                  // no socket, timer or thread is left
//
// It answers every GET and POST with `{"endpoint":"a","request":1,"method":"GET"}`; `x-request-number` in the reply is the
// one of the request, or its number here. `/healthz` is answered like everything else, but counted apart, in `health`.
//
// A fault concerns the requests that arrive from then on, with three exceptions: `refuse` and `restart` reset all
// connections; `blackhole` freezes them, and they are reset when it ends, because a host that comes back does not know
// them. The port never changes. In a process of its own: endpoint-process.ts.
import type { Server, Socket } from 'node:net'
import { Blackhole } from './blackhole.ts'
import { Connection, type Owner } from './connection.ts'
import { doorOf, HEALTHY, type Door, type Fault } from './fault.ts'
import {
  Arrivals,
  connectionCounts,
  requestCounts,
  type ConnectionCounts,
  type EndpointReport,
  type RequestCounts,
} from './ledger.ts'
import { listenAgain, listenSomewhere } from './listening.ts'
import type { Request } from './request-reader.ts'
import { Watch } from '../watch.ts'

const DOWNTIME = 1000

export interface EndpointOptions {
  /** Requests for this path are counted apart. */
  readonly healthPath?: string
  /** ms of one count of arrivals. */
  readonly interval?: number
}

export class FaultyEndpoint implements Owner {
  readonly name: string
  readonly requests = requestCounts()
  readonly health = requestCounts()
  readonly connections: ConnectionCounts = connectionCounts()
  fault: Fault = HEALTHY
  since = Date.now()
  #port = 0
  #server: Server | null = null
  #blackhole: Blackhole | null = null
  #comeback: NodeJS.Timeout | null = null
  #switching: Promise<void> = Promise.resolve()
  readonly #live = new Set<Connection>()
  readonly #watch = new Watch()
  readonly #arrivals: Arrivals
  readonly #healthPath: string
  /** What is owed of the share that fails, 0 to 1, for each kind of request. */
  readonly #owed = new Map<RequestCounts, number>()

  private constructor(name: string, { healthPath = '/healthz', interval = 1000 }: EndpointOptions) {
    this.name = name
    this.#healthPath = healthPath
    this.#arrivals = new Arrivals(interval)
  }

  static async start(name: string, options: EndpointOptions = {}): Promise<FaultyEndpoint> {
    const endpoint = new FaultyEndpoint(name, options)
    const { server, port } = await listenSomewhere(endpoint.#accept)
    endpoint.#server = server
    endpoint.#port = port
    return endpoint
  }

  get port(): number {
    return this.#port
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  /** Done when the fault is in force; `restart` is when it is down. Later calls wait for earlier ones. */
  become(fault: Fault): Promise<void> {
    const switched = this.#switching.then(() => this.#become(fault))
    this.#switching = switched.catch(() => {})
    return switched
  }

  /** Waits until something holds; it is looked at whenever anything is counted or switched. */
  until(condition: () => boolean, what: string): Promise<void> {
    return this.#watch.until(condition, what)
  }

  report(): EndpointReport {
    const { name, requests, health, connections } = this
    return { name, requests, health, connections, arrivals: this.#arrivals.list() }
  }

  async close(): Promise<void> {
    await this.become({ kind: 'refuse' })
    await this.until(() => this.connections.open === 0, `the connections of ${this.name} to be gone`)
  }

  arrive({ target }: Request): { counts: RequestCounts; number: number } {
    const isHealth = target === this.#healthPath || target.startsWith(`${this.#healthPath}?`)
    const counts = isHealth ? this.health : this.requests
    counts.arrived++
    if (!isHealth) this.#arrivals.note(Date.now())
    return { counts, number: counts.arrived }
  }

  fails(counts: RequestCounts, share: number): boolean {
    const owed = (this.#owed.get(counts) ?? 0) + share
    // Sums of shares such as 0.1 stay a hair below the whole number.
    const isDue = owed > 1 - 1e-9
    this.#owed.set(counts, isDue ? owed - 1 : owed)
    return isDue
  }

  changed(): void {
    this.#watch.look()
  }

  async #become(fault: Fault): Promise<void> {
    if (this.#comeback !== null) clearTimeout(this.#comeback)
    this.#comeback = null
    this.fault = fault
    this.since = Date.now()
    this.#owed.clear()
    const door = doorOf(fault)
    await this.#leave(door)
    await this.#enter(door)
    if (fault.kind === 'restart') {
      this.#comeback = setTimeout(() => void this.become(HEALTHY), fault.downtime ?? DOWNTIME)
    }
    this.#watch.look()
  }

  async #leave(next: Door): Promise<void> {
    if (next !== 'open') this.#stopListening()
    if (next !== 'blackhole' && this.#blackhole !== null) {
      await this.#blackhole.close()
      this.#blackhole = null
      this.#resetAll()
    }
  }

  async #enter(door: Door): Promise<void> {
    if (door === 'closed') this.#resetAll()
    else if (door === 'open') this.#server ??= await listenAgain(this.#port, this.#accept)
    else if (this.#blackhole === null) {
      for (const connection of this.#live) connection.freeze()
      this.#blackhole = await Blackhole.open(this.#port)
    }
  }

  /** The port is free when this returns: only the callback of close waits for connections. */
  #stopListening(): void {
    this.#server?.close()
    this.#server = null
  }

  #resetAll(): void {
    for (const connection of this.#live) connection.reset()
  }

  readonly #accept = (socket: Socket): void => {
    this.#live.add(new Connection(socket, this, (gone) => this.#live.delete(gone)))
  }
}
