// Endpoints that services have registered in etcd, one key each.
//
//   read the prefix -> watch from the next revision -> (the watch ends, or it is time to reconcile) -> read it again
//
// Whatever happened in between (a compacted history, an etcd that was away, another etcd), the next read tells the truth. One
// truth is not believed at once: an etcd that has lost its data. Its services are most likely still there and come back
// one by one; who vanished in this way keeps its place for a while.
import { now } from '../../base/clock.ts'
import {
  openEtcd,
  type EtcdEntry,
  type EtcdEvent,
  type EtcdLink,
  type EtcdRange,
  type EtcdWatch,
} from '../../base/etcd-link.ts'
import type { EtcdOptions } from '../../base/etcd-client.ts'
import { growingDelay } from '../../base/growing-delay.ts'
import { Pause } from '../../base/pause.ts'
import { Timer, type TimerWheel } from '../../base/timer-wheel.ts'
import { EndpointList } from './endpoint-list.ts'
import { parseRegistered } from './registered-endpoint.ts'
import type { DiscoveredEndpoint, EndpointSource } from './source.ts'

export interface RegistryProblem {
  readonly key: string
  readonly message: string
}

export interface EtcdSourceOptions extends EtcdOptions {
  /** `/sluice/NAME/endpoints/UPSTREAM/`; what follows in a key is the ID of an endpoint. */
  readonly prefix: string
  /** ms after which the prefix is read again even if nothing seems to happen. Default 120,000. */
  readonly reconcile?: number
  /** ms for which endpoints are kept that vanished together with all data of etcd. Default 30,000. */
  readonly lossGrace?: number
  /** Told once of each value that is left out. */
  readonly onProblem?: (problem: RegistryProblem) => void
}

interface Member {
  /** null: the value is malformed. */
  readonly endpoint: DiscoveredEndpoint | null
  readonly value: string
  /** 0 when etcd has lost it. */
  readonly revision: number
}

/** Endpoints of one upstream; the others are left out. */
const MAX_MEMBERS = 10_000
const MAX_KEY_SHOWN = 256
const FIRST_RETRY = 100
const LAST_RETRY = 5000
/** By how much of itself the wait between two reconciliations may be shorter. */
const JITTER = 0.2

export class EtcdSource implements EndpointSource {
  readonly #options: EtcdSourceOptions
  readonly #pause: Pause
  readonly #wheel: TimerWheel
  readonly #clock: () => number
  readonly #graceEnd = new Timer(() => this.#dropLost())
  /** By key. */
  #members = new Map<string, Member>()
  /** Keys that vanished with all data of etcd, and when (ms). */
  readonly #lost = new Map<string, number>()
  #revision = 0
  #cluster = ''
  #full = false
  #failures = 0
  #error: Error | null = null
  #link: EtcdLink | null = null
  #watch: EtcdWatch | null = null
  #list: EndpointList | null = null
  #closed = false

  /** `clock`: monotonic ms. */
  constructor(options: EtcdSourceOptions, wheel: TimerWheel, clock: () => number = now) {
    this.#options = options
    this.#pause = new Pause(wheel)
    this.#wheel = wheel
    this.#clock = clock
  }

  get error(): Error | null {
    if (this.#error !== null || this.#lost.size === 0) return this.#error
    return new Error(`etcd has lost its data; ${this.#lost.size} endpoints are kept for a while`)
  }

  /** Values that are left out now. */
  get malformed(): number {
    let count = 0
    for (const { endpoint } of this.#members.values()) if (endpoint === null) count++
    return count
  }

  start(changed: (endpoints: readonly DiscoveredEndpoint[]) => void): void {
    if (this.#link !== null || this.#closed) return
    this.#list = new EndpointList(changed)
    this.#link = openEtcd(this.#options)
    void this.#run(this.#link)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#wheel.disarm(this.#graceEnd)
    this.#watch?.close()
    this.#pause.end()
    this.#link?.close()
  }

  async #run(link: EtcdLink): Promise<void> {
    while (!this.#closed) {
      try {
        const range = await link.readPrefix(this.#options.prefix, MAX_MEMBERS)
        if (this.#closed) return
        this.#replace(range)
        this.#error = null
        await this.#follow(link, range.revision + 1)
      } catch (error) {
        this.#error = error as Error
        this.#failures++
        if (!this.#closed) await this.#pause.wait(growingDelay(this.#failures, FIRST_RETRY, LAST_RETRY))
      }
    }
  }

  /** Until it is time to reconcile; rejects when the watch ends. */
  async #follow(link: EtcdLink, revision: number): Promise<void> {
    let failure: Error | null = null
    this.#watch = link.watchPrefix(this.#options.prefix, revision, {
      changed: (events) => this.#apply(events),
      ended: (error) => {
        failure = error
        this.#pause.end()
      },
    })
    await this.#pause.wait((this.#options.reconcile ?? 120_000) * (1 - Math.random() * JITTER))
    this.#watch.close()
    if (failure !== null) throw failure as Error
    this.#failures = 0
  }

  #replace({ entries, revision, cluster, more }: EtcdRange): void {
    const isLoss =
      this.#members.size > 0 && (entries.length === 0 || revision < this.#revision || cluster !== this.#cluster)
    const before = this.#members
    this.#members = new Map()
    for (const entry of entries) this.#put(entry, before.get(entry.key))
    for (const [key, member] of before) {
      if (this.#members.has(key)) continue
      if (isLoss && !this.#lost.has(key)) this.#lost.set(key, this.#clock())
      if (this.#lost.has(key)) this.#members.set(key, { ...member, revision: 0 })
    }
    this.#revision = revision
    this.#cluster = cluster
    this.#tellFull(more)
    if (isLoss && !this.#graceEnd.armed) this.#wheel.arm(this.#graceEnd, this.#grace)
    this.#tell()
  }

  #apply(events: readonly EtcdEvent[]): void {
    for (const { key, value, revision } of events) {
      this.#revision = Math.max(this.#revision, revision)
      if (value === null) {
        this.#lost.delete(key)
        this.#members.delete(key)
      } else if (this.#members.size < MAX_MEMBERS || this.#members.has(key)) {
        this.#put({ key, value, revision }, this.#members.get(key))
      } else {
        this.#tellFull(true)
      }
    }
    this.#failures = 0
    this.#tell()
  }

  #put({ key, value, revision }: EtcdEntry, before: Member | undefined): void {
    this.#lost.delete(key)
    if (before?.value === value) {
      this.#members.set(key, { ...before, revision })
      return
    }
    const parsed = key === this.#options.prefix ? 'the key ends without an ID' : parseRegistered(value)
    this.#members.set(key, { endpoint: typeof parsed === 'string' ? null : parsed, value, revision })
    if (typeof parsed === 'string') this.#problem(key, parsed)
  }

  #problem(key: string, message: string): void {
    this.#options.onProblem?.({ key: key.slice(0, MAX_KEY_SHOWN), message })
  }

  #tellFull(full: boolean): void {
    if (full && !this.#full) this.#problem(this.#options.prefix, `more than ${MAX_MEMBERS} keys; the rest is left out`)
    this.#full = full
  }

  get #grace(): number {
    return this.#options.lossGrace ?? 30_000
  }

  #dropLost(): void {
    const time = this.#clock()
    for (const [key, since] of this.#lost) {
      if (time - since < this.#grace) continue
      this.#lost.delete(key)
      this.#members.delete(key)
    }
    if (this.#lost.size > 0) this.#wheel.arm(this.#graceEnd, this.#grace)
    this.#tell()
  }

  /** A service that registers again before its old lease has ended has two keys: the newer one counts. */
  #tell(): void {
    if (this.#closed) return
    const members = [...this.#members.values()].sort((a, b) => b.revision - a.revision)
    this.#list!.tell(members.flatMap(({ endpoint }) => endpoint ?? []))
  }
}
