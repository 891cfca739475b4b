// A limit whose counts are in Redis, for all gateways. Asking for every request would cost each a round trip, so a gateway
// takes some events of a busy key at once and admits from those: a lease.
//
// What a lease can do wrong is bounded: its events are counted in Redis already, but may be used a little later (LEASE_TIME, or
// twice that when the next lease comes before it is used up), and what is left then is lost. So in any time T the gateways
// together admit at most what the rule allows in T, and as many more as their leases hold: `bound` each.
import type { Limit, LimitRule } from '../contract/limits.ts'
import { HotKeys } from './hot-keys.ts'
import type { RedisConnection } from './redis-connection.ts'

/** ms that a lease is good for. */
const LEASE_TIME = 100
/** Leases that are kept; those beyond lose their events. */
const MOST_LEASES = 65_536

interface Lease {
  tokens: number
  /** Events asked for last. */
  size: number
  expires: number
  /** Nothing is admitted before. */
  deniedUntil: number
  remaining: number
  resetsAt: number
  /** When the next event may leave (leaky bucket). */
  leavesAt: number
  waiting: number
  refill: Promise<void> | null
}

export class RedisLimit implements Limit {
  remaining = 0
  resetAfter = 0
  retryAfter = 0
  delay = 0
  undecided: Promise<void> | null = null
  unavailable = false
  readonly bound: number
  readonly #rule: LimitRule
  readonly #prefix: string
  readonly #connection: RedisConnection
  readonly #clock: () => number
  readonly #release: () => void
  readonly #leases = new Map<string, Lease>()
  readonly #mostLeases: number
  readonly #mostTokens: number
  readonly #interval: number
  readonly #hot = new HotKeys()

  constructor(
    rule: LimitRule,
    prefix: string,
    maxKeys: number,
    connection: RedisConnection,
    clock: () => number,
    release: () => void,
  ) {
    this.#rule = rule
    this.#prefix = prefix
    this.#connection = connection
    this.#clock = clock
    this.#release = release
    this.#mostLeases = Math.min(maxKeys, MOST_LEASES)
    this.#mostTokens = mostTokens(rule)
    this.#interval = rule.algorithm === 'leaky-bucket' ? rule.window / rule.amount : 0
    // A quarter of the lease before may be left.
    this.bound = Math.floor(this.#mostTokens * 1.25)
  }

  take(key: string, dry: boolean): boolean {
    const time = this.#clock()
    const lease = this.#leases.get(key)
    this.undecided = null
    this.unavailable = false
    if (lease !== undefined) {
      if (lease.tokens > 0 && lease.expires > time) return this.#admit(key, lease, time, dry)
      if (lease.deniedUntil > time) return this.#refuse(key, lease, time)
    }
    const onItsWay = lease !== undefined && lease.refill !== null
    if (!onItsWay && !this.#connection.worthAsking) {
      this.unavailable = true
      return false
    }
    this.undecided = this.#refill(key, lease ?? this.#newLease(key))
    return false
  }

  #admit(key: string, lease: Lease, time: number, dry: boolean): boolean {
    this.remaining = lease.remaining + lease.tokens - 1
    this.resetAfter = Math.max(0, lease.resetsAt - time)
    this.retryAfter = 0
    this.delay = Math.max(0, lease.leavesAt - time)
    if (dry) return true
    lease.tokens--
    lease.leavesAt += this.#interval
    // A busy key gets its next lease before it needs it.
    if (lease.size > 3 && lease.tokens < lease.size >> 2 && lease.refill === null && this.#connection.worthAsking) {
      void this.#refill(key, lease)
    }
    return true
  }

  #refuse(key: string, lease: Lease, time: number): boolean {
    this.remaining = 0
    this.resetAfter = Math.max(0, lease.resetsAt - time)
    this.retryAfter = lease.deniedUntil - time
    this.delay = 0
    this.#hot.add(key)
    return false
  }

  #newLease(key: string): Lease {
    const lease: Lease = {
      tokens: 0,
      size: 0,
      expires: 0,
      deniedUntil: 0,
      remaining: 0,
      resetsAt: 0,
      leavesAt: 0,
      waiting: 0,
      refill: null,
    }
    if (this.#leases.size >= this.#mostLeases) {
      for (const oldest of this.#leases.keys()) {
        this.#leases.delete(oldest)
        break
      }
    }
    this.#leases.set(key, lease)
    return lease
  }

  /** One question per key is on its way; it never rejects, as whoever waits looks again. */
  #refill(key: string, lease: Lease): Promise<void> {
    lease.waiting++
    lease.refill ??= this.#ask(key, lease).finally(() => (lease.refill = null))
    return lease.refill
  }

  async #ask(key: string, lease: Lease): Promise<void> {
    // In a later microtask, when all that want an event in this turn have said so.
    await Promise.resolve()
    const time = this.#clock()
    const busy = lease.size > 0 && time < lease.expires
    lease.size = Math.min(this.#mostTokens, busy ? lease.size * 2 : 1)
    // Those who wait use theirs up at once.
    const wanted = Math.max(lease.size, lease.waiting)
    lease.waiting = 0
    try {
      const { granted, remaining, resetAfter, retryAfter, delay } = await this.#connection.ask(
        this.#prefix + key,
        this.#rule,
        wanted,
      )
      const then = this.#clock()
      lease.tokens = (lease.expires > then ? lease.tokens : 0) + granted
      lease.expires = then + LEASE_TIME
      // Fewer than were wanted: what is beyond these few need not ask.
      lease.deniedUntil = granted < wanted ? then + Math.max(1, retryAfter) : 0
      lease.remaining = remaining
      lease.resetsAt = then + resetAfter
      lease.leavesAt = then + delay
    } catch {
      // Whoever waits asks again, and learns that Redis is away.
    }
  }

  start(): Promise<void> {
    return this.#connection.open()
  }

  hottest(): readonly { readonly key: string; readonly refused: number }[] {
    return this.#hot.list()
  }

  close(): void {
    this.#release()
  }
}

/** Most events of one lease. A leaky bucket gives every event a time of its own, so none is taken before it has come. */
function mostTokens({ algorithm, amount, window }: LimitRule): number {
  return algorithm === 'leaky-bucket' ? 1 : Math.max(1, Math.floor((amount / window) * LEASE_TIME))
}
