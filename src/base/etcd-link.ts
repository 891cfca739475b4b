// The connection to an etcd that a gateway can do without: reads and watches of prefixes, writes with leases. Whoever uses the
// same etcd shares one connection. Errors reach whoever asked; what to do about them is theirs.
import type { Etcd3, IKeyValue, IWatchResponse, Lease } from 'etcd3'
import { createEtcdClient, type EtcdOptions } from './etcd-client.ts'
import {
  prefixEnd,
  transactionRequest,
  type EtcdFound,
  type EtcdOutcome,
  type EtcdTransaction,
} from './etcd-transaction.ts'

export interface EtcdEntry {
  readonly key: string
  readonly value: string
  /** Of its last change. */
  readonly revision: number
}

export interface EtcdRange {
  readonly entries: readonly EtcdEntry[]
  /** Are there more than were asked for? */
  readonly more: boolean
  /** Of the whole etcd at the time. */
  readonly revision: number
  readonly cluster: string
}

/** A null value: the key is gone. */
export interface EtcdEvent {
  readonly key: string
  readonly value: string | null
  readonly revision: number
}

export interface EtcdListener {
  changed(events: readonly EtcdEvent[]): void
  /** The watch has ended by itself, once and for good. Read the prefix again, and watch from there. */
  ended(error: Error): void
}

export interface EtcdWatch {
  close(): void
}

export interface EtcdLease {
  readonly id: string
  /** Ends it, and deletes the keys that hang on it. */
  revoke(): Promise<void>
  /** It is not kept alive any more: it ends when its time is over. */
  abandon(): void
}

/** Keys that are read at a time. Where their values do not fit into one message, fewer are. */
const PAGE = 500

const CLOSED = 'the link to etcd is closed'

const links = new Map<string, EtcdLink>()

/** The link to this etcd: one for all who ask. It connects when it is used first. Each `openEtcd` wants one `close`. */
export function openEtcd(options: EtcdOptions): EtcdLink {
  const { hosts, credentials, tls } = options
  const pems = [tls?.ca, tls?.certificate, tls?.key].map((pem) => pem?.toString('latin1'))
  const key = JSON.stringify([hosts, credentials?.username, credentials?.password, pems])
  let link = links.get(key)
  if (link === undefined) {
    link = new EtcdLink(options, () => links.delete(key))
    links.set(key, link)
  }
  link.users++
  return link
}

export class EtcdLink {
  users = 0
  readonly #options: EtcdOptions
  readonly #forget: () => void
  readonly #watches = new Set<EtcdWatch>()
  readonly #leases = new Set<Lease>()
  #client: Promise<Etcd3> | null = null
  #closed = false

  constructor(options: EtcdOptions, forget: () => void) {
    this.#options = options
    this.#forget = forget
  }

  /** At most `limit` keys (`prefix` is not empty), in their order, as they were at one moment: `at` a revision, or now. */
  async readPrefix(prefix: string, limit: number, at = 0): Promise<EtcdRange> {
    const { kv } = await this.#connect()
    const entries: EtcdEntry[] = []
    let [key, revision, cluster, more, most] = [Buffer.from(prefix), String(at), '', true, PAGE]
    while (more && entries.length < limit) {
      const page = Math.min(most, limit - entries.length)
      const request = { key, range_end: prefixEnd(prefix), limit: page, revision }
      const answer = await kv.range(request).catch((error: Error) => {
        if (page === 1 || !isTooLarge(error)) throw error
        return null
      })
      if (answer === null) {
        most = page >> 1
        continue
      }
      const { header, kvs, more: rest } = answer
      entries.push(...kvs.map(entry))
      more = rest && kvs.length > 0
      if (revision === '0') revision = header.revision
      cluster = header.cluster_id
      if (more) key = Buffer.concat([kvs.at(-1)!.key, Buffer.alloc(1)])
    }
    return { entries, more, revision: Number(revision), cluster }
  }

  /** How many keys begin so, `at` a revision. */
  async count(prefix: string, at: number): Promise<number> {
    const { kv } = await this.#connect()
    const range = { key: Buffer.from(prefix), range_end: prefixEnd(prefix), revision: String(at), count_only: true }
    return Number((await kv.range(range)).count)
  }

  /** The key as it was `at` a revision; null: it was not there. */
  async readAt(key: string, at: number): Promise<EtcdEntry | null> {
    const { kv } = await this.#connect()
    const { kvs } = await kv.range({ key: Buffer.from(key), revision: String(at) })
    return kvs[0] === undefined ? null : entry(kvs[0])
  }

  /** All or nothing. `patience`: ms; absent: as for every write. */
  async transact(transaction: EtcdTransaction, patience?: number): Promise<EtcdOutcome> {
    const { kv } = await this.#connect()
    const options = patience === undefined ? undefined : { deadline: Date.now() + patience }
    const { header, succeeded, responses } = await kv.txn(transactionRequest(transaction), options)
    const found = responses.flatMap(({ response_range }): readonly (EtcdFound | null)[] => {
      const kv = response_range?.kvs[0]
      if (!response_range) return []
      return kv === undefined ? [null] : [{ ...entry(kv), created: Number(kv.create_revision), lease: kv.lease }]
    })
    return { succeeded, revision: Number(header.revision), cluster: header.cluster_id, found }
  }

  /** Seconds that a lease has left; 0 or less: it has ended. */
  async leaseLeft(id: string): Promise<number> {
    const { leaseClient } = await this.#connect()
    return Number((await leaseClient.leaseTimeToLive({ ID: id })).TTL)
  }

  /** All changes from `revision` on. */
  watchPrefix(prefix: string, revision: number, listener: EtcdListener): EtcdWatch {
    let over = false
    let cancel = (): void => {}
    const close = (): boolean => {
      if (over) return false
      over = true
      this.#watches.delete(watch)
      cancel()
      return true
    }
    const watch: EtcdWatch = { close }
    const end = (error: Error): void => {
      if (close()) listener.ended(error)
    }
    this.#watches.add(watch)
    // The library's own watcher comes back by itself, but stays silent after etcd has lost its data or history.
    const open = async (): Promise<void> => {
      const { watchClient } = await this.#connect()
      const stream = await watchClient.watch()
      stream.on('error', end)
      stream.on('end', () => end(new Error('etcd has ended the watch')))
      stream.on('data', (response) => {
        if (response.canceled) end(new Error(cancelReason(response)))
        else if (!over && response.events.length > 0) listener.changed(response.events.map(event))
      })
      cancel = () => {
        stream.end() // so that the library does not take the cancellation for a failure of the host
        stream.cancel()
      }
      if (over) cancel()
      else
        stream.write({
          create_request: { key: Buffer.from(prefix), range_end: prefixEnd(prefix), start_revision: revision },
        })
    }
    open().catch(end)
    return watch
  }

  async put(key: string, value: string, lease: EtcdLease | null = null): Promise<void> {
    const { kv } = await this.#connect()
    await kv.put({ key: Buffer.from(key), value: Buffer.from(value), lease: lease?.id ?? '0' })
  }

  async delete(key: string): Promise<void> {
    const { kv } = await this.#connect()
    await kv.deleteRange({ key: Buffer.from(key) })
  }

  /** Kept alive until it is revoked, this link is closed, or it is lost: then `lost` is called, and its keys are gone. */
  async grantLease(seconds: number, lost: (error: Error) => void): Promise<EtcdLease> {
    const client = await this.#connect()
    const lease = client.lease(seconds)
    lease.on('lost', (error) => {
      if (this.#leases.delete(lease)) lost(error)
    })
    const id = await lease.grant()
    if (this.#closed) {
      lease.release()
      throw new Error(CLOSED)
    }
    this.#leases.add(lease)
    const revoke = async (): Promise<void> => {
      if (this.#leases.delete(lease)) await lease.revoke()
    }
    const abandon = (): void => {
      if (this.#leases.delete(lease)) lease.release()
    }
    return { id, revoke, abandon }
  }

  /** Called once by each who opened it; the last one closes. Keys with leases stay until these expire. */
  close(): void {
    if (this.#closed || --this.users > 0) return
    this.#closed = true
    this.#forget()
    for (const watch of this.#watches) watch.close()
    for (const lease of this.#leases) lease.release()
    this.#leases.clear()
    this.#client?.then(
      (client) => client.close(),
      () => {}, // it was never there
    )
  }

  async #connect(): Promise<Etcd3> {
    if (this.#closed) throw new Error(CLOSED)
    this.#client ??= createEtcdClient(this.#options)
    const client = await this.#client
    if (this.#closed) throw new Error(CLOSED)
    return client
  }
}

function entry({ key, value, mod_revision }: IKeyValue): EtcdEntry {
  return { key: key.toString(), value: value.toString(), revision: Number(mod_revision) }
}

function event({ type, kv }: IWatchResponse['events'][number]): EtcdEvent {
  const isDelete = type === 'Delete'
  return { key: kv.key.toString(), value: isDelete ? null : kv.value.toString(), revision: Number(kv.mod_revision) }
}

function isTooLarge({ message }: Error): boolean {
  return message.includes('RESOURCE_EXHAUSTED') && /larger than max/.test(message)
}

function cancelReason({ cancel_reason, compact_revision }: IWatchResponse): string {
  if (compact_revision !== '0') return `etcd has compacted its history up to revision ${compact_revision}`
  return `etcd has ended the watch: ${cancel_reason}`
}
