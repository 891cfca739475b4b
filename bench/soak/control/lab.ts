// What the control-plane runs share: a real etcd, a writer beside the gateways, gateways that follow it, and clients that see
// which version serves.
import { hostname } from 'node:os'
import type { Etcd3 } from 'etcd3'
import { createEtcdClient } from '../../../src/base/etcd-client.ts'
import { EtcdServer } from '../../../test/lab/etcd.ts'
import { Gateway } from '../../lab.ts'
import { Client } from '../client.ts'

export const PREFIX = '/sluice/bench'
/** Operations that one transaction of etcd takes. */
const MOST = 120

const cleanup: (() => unknown)[] = []

/** Everything that was started, in reverse. */
export async function end(): Promise<void> {
  for (const each of cleanup.splice(0).toReversed()) await each()
}

/** Takes what a test would leave to its runner. */
export function atEnd(each: unknown): void {
  cleanup.push(each as () => unknown)
}

export function startEtcd(flags: readonly string[] = []): Promise<EtcdServer> {
  return EtcdServer.start({ after: atEnd }, { more: flags })
}

/** Writes as any tool would that knows the keys: items, then the marker. */
export class Writer {
  readonly #client: Etcd3

  private constructor(client: Etcd3) {
    this.#client = client
  }

  static async connect(etcd: EtcdServer): Promise<Writer> {
    const client = await createEtcdClient({ hosts: [etcd.url] })
    cleanup.push(() => client.close())
    return new Writer(client)
  }

  /** Resolves with the version, when etcd has it. */
  async commit(items: Readonly<Record<string, string>>): Promise<number> {
    const entries = Object.entries(items)
    let revision = 0
    for (let at = 0; at < entries.length; at += MOST) {
      const some = entries.slice(at, at + MOST)
      if (at + MOST >= entries.length)
        some.push(['commit', JSON.stringify({ author: 'bench', time: Date.now(), message: '', changed: [] })])
      const { header } = await this.#client.kv.txn({
        success: some.map(([key, text]) => ({
          request_put: { key: Buffer.from(`${PREFIX}/${key}`), value: Buffer.from(text) },
        })),
      })
      revision = Number(header.revision)
    }
    return revision
  }

  async statuses(): Promise<Map<string, { readonly version: number; readonly state: string }>> {
    const all = await this.#client.getAll().prefix(`${PREFIX}/status/`).strings()
    return new Map(Object.entries(all).map(([key, text]) => [key.split('/').at(-1)!, JSON.parse(text) as never]))
  }
}

/** A route as teams have them; `body` tells the version that serves. */
export function route(i: number, version = 0): string {
  return JSON.stringify({
    match: { host: `team-${i % 50}.example.com`, path: `/api/v1/service-${i}/{id}`, method: ['GET', 'POST'] },
    upstream: `up-${i % 20}`,
    rewrite: { path: `/${i}/{id}` },
    plugins: { headers: { response: { set: { 'x-version': String(version) } } } },
  })
}

export function manyRoutes(count: number): Record<string, string> {
  const items: Record<string, string> = { 'routes/probe': probe(0) }
  for (let i = 0; i < 20; i++)
    items[`upstreams/up-${i}`] = JSON.stringify({ endpoints: [{ url: `http://127.0.0.1:${9000 + i}` }] })
  for (let i = 0; i < count; i++) items[`routes/team-${i}`] = route(i)
  return items
}

export function probe(version: number): string {
  return JSON.stringify({ match: { path: '/probe' }, respond: { body: String(version) } })
}

export async function startGateway(
  etcd: EtcdServer,
  { workers = 1, instance = hostname(), hosts = etcd.url, more = '' } = {},
): Promise<Gateway> {
  const gateway = await Gateway.start(`version: 1
instance: ${instance}
workers: ${workers}
listeners: [{ name: main, bind: '127.0.0.1:0' }]
admin: { bind: '127.0.0.1:0' }
control: { etcd: { hosts: ['${hosts}'], prefix: ${PREFIX} } }
${more}
`)
  cleanup.push(() => gateway.stop())
  return gateway
}

/** Asks /probe again and again on connections of its own: what version serves, and whether every request is answered. */
export class Watchers {
  requests = 0
  readonly failures: string[] = []
  /** Times that a connection was told an older version than before. */
  backwards = 0
  /** Highest version per connection. */
  readonly seen: number[]
  #running = true
  #waiting: { readonly version: number; readonly resolve: (at: number) => void }[] = []
  readonly #loops: Promise<void>[]

  /** `pause`: ms between a reply and the next request of a connection. */
  constructor(port: number, connections: number, pause: number) {
    this.seen = Array.from({ length: connections }, () => 0)
    this.#loops = this.seen.map((_, i) => this.#loop(port, i, pause))
  }

  /** Resolves with the time at which every connection has seen this version. */
  all(version: number): Promise<number> {
    if (Math.min(...this.seen) >= version) return Promise.resolve(performance.now())
    return new Promise((resolve) => this.#waiting.push({ version, resolve }))
  }

  async stop(): Promise<void> {
    this.#running = false
    await Promise.all(this.#loops)
  }

  async #loop(port: number, i: number, pause: number): Promise<void> {
    let client = new Client(port)
    while (this.#running) {
      if (client.closed) client = new Client(port)
      const reply = await client.ask('GET /probe HTTP/1.1\r\nHost: a\r\n\r\n')
      this.requests++
      if (reply === null || reply.status !== 200) this.failures.push(reply === null ? 'no reply' : `${reply.status}`)
      else this.#saw(i, Number(reply.body))
      if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause))
    }
    client.socket.destroy()
  }

  #saw(i: number, version: number): void {
    if (version < this.seen[i]!) this.backwards++
    if (version <= this.seen[i]!) return
    this.seen[i] = version
    if (this.#waiting.length === 0) return
    const least = Math.min(...this.seen)
    const now = performance.now()
    this.#waiting = this.#waiting.filter((wait) => {
      if (wait.version > least) return true
      wait.resolve(now)
      return false
    })
  }
}

export function percentile(sorted: readonly number[], p: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * p) / 100))]!
}

export function spread(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (p: number): string => percentile(sorted, p).toFixed(1)
  return `median ${at(50)} ms, p90 ${at(90)}, p99 ${at(99)}, max ${at(100)}`
}

export function within<T>(promise: Promise<T>, ms: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${ms} ms`)), ms)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}
