// This gateway in the list of the fleet: who it is, and what it serves. Both keys hang on one lease, so that they go when the
// gateway does.
//
//   enter -> (grant a lease, write both keys) -> write what changes -> ... -> withdraw
//               ^  the lease or etcd was lost, or the link replaced |
import { randomUUID } from 'node:crypto'
import { growingDelay } from '../base/growing-delay.ts'
import type { EtcdLease, EtcdLink } from '../base/etcd-link.ts'
import type { EtcdFound, EtcdOperation } from '../base/etcd-transaction.ts'
import { Pause } from '../base/pause.ts'
import { TimerWheel } from '../base/timer-wheel.ts'
import type { EtcdConnection } from './etcd-connection.ts'
import { explained } from './etcd-errors.ts'
import { formatStatus, INSTANCES, STATUS, type InstanceInfo, type InstanceStatus } from './fleet.ts'

export interface FleetEntryOptions {
  /** Name in the fleet. */
  readonly instance: string
  readonly info: InstanceInfo
  /** Seconds that the entry outlives a gateway that ends without a word. Default 15. */
  readonly lease?: number
}

const LEASE_SECONDS = 15
/** ms between two writes of a status: the latest wins. */
const PACE = 50
const FIRST_RETRY = 100
const LAST_RETRY = 2000
/** ms that a withdrawal may take. */
const FAREWELL = 2000

export class FleetEntry {
  readonly instance: string
  readonly #connection: EtcdConnection
  readonly #keys: readonly [status: string, info: string]
  readonly #info: InstanceInfo
  readonly #seconds: number
  readonly #warn: (message: string) => void
  readonly #wheel = new TimerWheel()
  readonly #pause = new Pause(this.#wheel)
  readonly #id = randomUUID()
  readonly #unlisten: () => void
  readonly #running: Promise<void>
  #status: InstanceStatus | null = null
  /** Is there something that has to be written? */
  #isChanged = false
  #isIdle = false
  #lease: EtcdLease | null = null
  /** Revision of our own entry. */
  #entered = 0
  /** Where the lease was granted. */
  #link: EtcdLink | null = null
  /** Another gateway that has had the same name. */
  #rival: Rival | null = null
  #failures = 0
  #warned = ''
  #closed = false

  /** `prefix` ends with a slash. `opened`: from then on the connection can be used. */
  constructor(
    connection: EtcdConnection,
    opened: Promise<void>,
    prefix: string,
    options: FleetEntryOptions,
    warn: (message: string) => void,
  ) {
    this.instance = options.instance
    this.#connection = connection
    this.#keys = [`${prefix}${STATUS}${options.instance}`, `${prefix}${INSTANCES}${options.instance}`]
    this.#info = options.info
    this.#seconds = options.lease ?? LEASE_SECONDS
    this.#warn = warn
    this.#unlisten = connection.onReplaced(() => this.#pause.end())
    this.#running = opened.then(() => this.#run()).catch(() => {}) // whoever opens it is told
  }

  /** Told soon; of several that come close together, the latest. */
  update(status: InstanceStatus): void {
    this.#status = status
    this.#isChanged = true
    if (this.#isIdle) this.#pause.end()
  }

  /** Takes this gateway out of the list; for good. Never rejects. */
  async withdraw(): Promise<void> {
    if (this.#closed) return
    this.#end()
    let timer: NodeJS.Timeout | undefined
    const patience = new Promise<void>((resolve) => (timer = setTimeout(resolve, FAREWELL)))
    await Promise.race([this.#running.then(() => this.#lease?.revoke()).catch(() => {}), patience])
    clearTimeout(timer)
    this.#lease?.abandon() // if etcd is away, the lease ends by itself
  }

  /** Does nothing any more; the keys go when their lease ends. */
  close(): void {
    if (this.#closed) return
    this.#end()
    this.#lease?.abandon()
  }

  #end(): void {
    this.#closed = true
    this.#unlisten()
    this.#pause.end()
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      try {
        if (this.#lease === null || this.#link !== this.#connection.link) await this.#register()
        else if (this.#isChanged) await this.#writeStatus()
        else await this.#check()
        this.#failures = 0
        this.#warned = ''
        await this.#rest()
      } catch (error) {
        if (this.#closed) return
        this.#takeFailure(error as Error)
        await this.#pause.wait(growingDelay(++this.#failures, FIRST_RETRY, LAST_RETRY))
      }
    }
  }

  /** Until there is something to write, or to look at. */
  async #rest(): Promise<void> {
    if (this.#closed) return
    await this.#pause.wait(PACE)
    if (this.#closed || this.#isChanged || this.#lease === null) return
    this.#isIdle = true
    await this.#pause.wait((this.#seconds * 1000 * 2) / 3)
    this.#isIdle = false
  }

  #takeFailure(error: Error): void {
    // The lease has ended while we believed in it.
    if (error.message.includes('lease not found')) this.#dropLease()
    const { message } = explained(error, this.#connection.hosts)
    if (message === this.#warned) return
    this.#warned = message
    this.#warn(`the entry of ${this.instance} in the fleet cannot be written: ${message}`)
  }

  #dropLease(): void {
    this.#lease?.abandon()
    this.#lease = null
  }

  async #register(): Promise<void> {
    const [before, link] = [this.#lease, this.#connection.link]
    const lease = await link.grantLease(this.#seconds, () => {
      if (this.#lease !== lease) return
      this.#lease = null
      this.#pause.end()
    })
    this.#lease = lease
    this.#link = link
    this.#isChanged = false
    const [statusKey, key] = this.#keys
    const operations: EtcdOperation[] = [
      { get: key },
      { put: key, value: JSON.stringify({ ...this.#info, id: this.#id }), lease: lease.id },
    ]
    if (this.#status !== null) operations.push({ put: statusKey, value: formatStatus(this.#status), lease: lease.id })
    try {
      const { found, revision } = await link.transact({ when: [], operations })
      this.#entered = revision
      this.#lookAt(found[0] ?? null)
    } catch (error) {
      this.#dropLease()
      throw error
    } finally {
      // The keys hang on the new one, if they are there.
      void before?.revoke().catch(() => before.abandon())
    }
  }

  async #writeStatus(): Promise<void> {
    this.#isChanged = false
    const [statusKey, key] = this.#keys
    try {
      // Whoever has entered under this name after us tells what serves there. With our lease its status would go when we do.
      const { succeeded, found } = await this.#link!.transact({
        when: [{ key, target: 'changed', relation: 'is', revision: this.#entered }],
        operations: [{ put: statusKey, value: formatStatus(this.#status!), lease: this.#lease!.id }],
        otherwise: [{ get: key }],
      })
      if (succeeded) return
      if (found[0]) this.#lookAt(found[0])
      else this.#dropLease() // somebody has deleted it
    } catch (error) {
      this.#isChanged = true
      throw error
    }
  }

  /** Is the entry there, and ours? */
  async #check(): Promise<void> {
    const { found } = await this.#link!.transact({
      when: [],
      operations: [{ get: this.#keys[1] }, { get: this.#keys[0] }],
    })
    const [info = null, status = null] = found
    if (this.#closed) return
    if (info === null || (status === null && this.#status !== null)) return this.#dropLease() // somebody has deleted it
    this.#lookAt(info)
    await this.#warnOfRival()
  }

  #lookAt(found: EtcdFound | null): void {
    if (found === null || found.lease === '0' || found.lease === this.#lease?.id) return
    if (found.value.includes(this.#id) || found.lease === this.#rival?.lease) return
    this.#rival = { lease: found.lease, since: Date.now(), isTold: false }
  }

  /** A lease that is kept alive belongs to a gateway that lives. That of one which has died or been replaced ends in time. */
  async #warnOfRival(): Promise<void> {
    const rival = this.#rival
    if (rival === null || rival.isTold || Date.now() - rival.since < this.#seconds * 1100) return
    if ((await this.#link!.leaseLeft(rival.lease)) < 0) {
      this.#rival = null
      return
    }
    rival.isTold = true
    this.#warn(`another gateway calls itself "${this.instance}" too: give each an "instance" of its own`)
  }
}

interface Rival {
  readonly lease: string
  /** Unix ms */
  readonly since: number
  isTold: boolean
}
