// The endpoints of one upstream as they are now: who is well, who gets which share, and who gets the next request.
//
//   membership   what is configured, or what discovery tells
//   well         checks, comparison with the group, breaker
//   weight       configured weight * slow start * load
//   level        own zone, own region, everybody else
//   pick         cookie, else the balancer of a level
import { now } from '../base/clock.ts'
import { Timer, type TimerWheel } from '../base/timer-wheel.ts'
import type { Exchange } from '../contract/exchange.ts'
import { LoadWeights, type LoadWeightsOptions } from './balance/load-weights.ts'
import { ramp } from './balance/slow-start.ts'
import { sharesOfLevels } from './balance/zones.ts'
import type { DiscoveredEndpoint } from './discovery/source.ts'
import type { CircuitBreaker } from './health/breaker.ts'
import { SlidingWindow } from './health/window.ts'
import { levelsOf, type Level, type MakeBalancer } from './level.ts'
import { Member, type Group, type Watch } from './member.ts'
import type { LiveEndpoint } from './live-endpoint.ts'
import type { Watched } from './watched.ts'

export interface ClusterOptions {
  /** Where this gateway is; '' for unknown. */
  readonly zone: string
  readonly region: string
  /** ms */
  readonly slowStart: number
  /** Usable part of a level below which requests go further away: 0.7. */
  readonly spillOver: number
  /** Healthy part of the weight below which health is not looked at; 0: never. */
  readonly panic: number
  /** Most requests on their way, and of those without a connection; Infinity: no limit. */
  readonly maxConcurrent: number
  readonly maxPending: number
  readonly loadAware: LoadWeightsOptions | null
  /** The balancer looks at expected latencies. */
  readonly expectsLatency: boolean
  /** Latencies of all endpoints together are asked for. */
  readonly keepsLatencies: boolean
  readonly makeBalancer: MakeBalancer
  /** What a request is known by, for consistent hashing; 32 bits. */
  readonly hashOf: (x: Exchange) => number
  /** Index of the cookie's value among the members; null without sticky sessions. */
  readonly stickyId: ((url: string) => string) | null
  readonly cookieOf: (x: Exchange) => string
}

/** What a member is made of; `release` gives it back. */
export interface BorrowedMember {
  readonly live: LiveEndpoint
  readonly watch: Watch
  /** Calls `changed` when somebody who watches has changed his mind. */
  readonly listen: (changed: () => void) => void
  readonly release: () => void
}

/** ms between two looks while a share is moving. */
const STEP = 500
/** A picked endpoint that the request has tried is drawn again so often before all are looked at. */
const REDRAWS = 3

export class Cluster implements Group {
  inFlight = 0
  pending = 0
  readonly breaker: CircuitBreaker | null
  readonly latencies: SlidingWindow | null
  readonly expectsLatency: boolean
  readonly comparesLatency: boolean
  members: readonly Member[] = []
  /** Health is not looked at, as too few are healthy. */
  panicking = false
  readonly #options: ClusterOptions
  readonly #borrow: (origin: DiscoveredEndpoint) => BorrowedMember
  readonly #wheel: TimerWheel
  readonly #borrowed = new Map<string, BorrowedMember>()
  readonly #sticky = new Map<string, Member>()
  readonly #step = new Timer(() => this.refresh())
  readonly #tell: (member: Member, well: boolean) => void
  readonly #ended: () => void
  #levels: readonly Level[] = []
  #loads: LoadWeights | null = null
  #sampledAt = now()
  #closed = false

  /** `tell` hears who is out, and who is back; `ended` gives back what else was borrowed for it. */
  constructor(
    options: ClusterOptions,
    breaker: Watched<CircuitBreaker> | null,
    borrow: (origin: DiscoveredEndpoint) => BorrowedMember,
    wheel: TimerWheel,
    tell: (member: Member, well: boolean) => void,
    ended: () => void,
  ) {
    this.#options = options
    this.#tell = tell
    this.#ended = ended
    this.#borrow = borrow
    this.#wheel = wheel
    this.breaker = breaker === null ? null : breaker.value
    this.latencies = options.keepsLatencies ? new SlidingWindow(30_000, now) : null
    this.expectsLatency = options.expectsLatency
    this.comparesLatency = options.loadAware !== null
  }

  /** These are the endpoints from now on. Those that stay keep everything; those that go finish what they have. */
  setMembers(origins: readonly DiscoveredEndpoint[]): void {
    if (this.#closed) return
    const before = new Map(this.members.map((member) => [member.url, member]))
    const factors = this.#factors()
    const first = this.members.length === 0
    this.members = origins.map((origin) => {
      const old = before.get(origin.url)
      if (old !== undefined) {
        old.origin = origin
        return old
      }
      const { live, watch } = this.#borrowed.get(origin.url) ?? this.#add(origin)
      const member = new Member(live, origin, watch, this)
      if (!first) member.warmingSince = now()
      return member
    })
    this.#arrange(factors)
    // Last: when one goes, another that was ejected may have to come back, and calls `refresh`.
    const present = new Set(origins.map(({ url }) => url))
    for (const [url, borrowed] of this.#borrowed) {
      if (present.has(url)) continue
      this.#borrowed.delete(url)
      borrowed.release()
    }
  }

  /** What the weight of each is multiplied with now, as its load wants it. */
  #factors(): Map<Member, number> {
    const loads = this.#loads
    if (loads === null) return new Map()
    const time = now()
    return new Map(this.members.map((member, i) => [member, loads.factorAt(i, time)]))
  }

  #add(origin: DiscoveredEndpoint): BorrowedMember {
    const borrowed = this.#borrow(origin)
    this.#borrowed.set(origin.url, borrowed)
    borrowed.listen(() => this.refresh())
    return borrowed
  }

  #arrange(factors: ReadonlyMap<Member, number>): void {
    const { members } = this
    for (const [i, member] of members.entries()) member.place = i
    this.#levels = levelsOf(members, this.#options, this.#options.makeBalancer)
    const { loadAware, stickyId } = this.#options
    if (loadAware !== null) {
      this.#loads = new LoadWeights(
        members.map(({ origin }) => origin.weight),
        loadAware,
        members.map((member) => factors.get(member) ?? 1),
      )
    }
    this.#sticky.clear()
    if (stickyId !== null) for (const member of members) this.#sticky.set(stickyId(member.url), member)
    this.refresh()
  }

  /** The endpoint for this request, one that it has not tried if there is one; null when nobody may be asked. */
  pick(x: Exchange): Member | null {
    if (!this.admits) return null
    const { failed } = x.tries
    if (this.#options.stickyId !== null) {
      const bound = this.#sticky.get(this.#options.cookieOf(x))
      if (bound !== undefined && bound.admits && (bound.healthy || this.panicking) && !failed.includes(bound))
        return bound
    }
    const level = this.#levels.length === 1 ? this.#levels[0]! : this.#drawLevel()
    const hash = this.#options.hashOf(x)
    let index = level.balancer.pick(hash)
    if (index < 0) return this.#anybody(failed)
    if (failed.length === 0) return level.members[index]!
    for (let i = 0; i < REDRAWS && failed.includes(level.members[index]!); i++) index = level.balancer.pick(hash)
    const member = level.members[index]!
    if (!failed.includes(member)) return member
    return level.otherThan(failed, index) ?? this.#otherThan(failed) ?? member
  }

  hasOther(x: Exchange): boolean {
    return this.admits && this.#otherThan(x.tries.failed) !== null
  }

  /** No breaker or limit of the upstream as a whole stands in the way. */
  get admits(): boolean {
    const { breaker } = this
    if (breaker !== null && !breaker.admits) return false
    const { maxConcurrent, maxPending } = this.#options
    return this.inFlight < maxConcurrent && this.pending <= maxPending
  }

  /** There are endpoints, and breakers or limits keep requests from them. */
  get isOpen(): boolean {
    return !this.admits || this.members.some((member) => member.origin.weight > 0)
  }

  /** ms until somebody may be asked again; 0 when nobody knows. */
  get retryAfter(): number {
    if (this.breaker !== null && !this.breaker.admits) return this.breaker.retryAfter
    let least = Infinity
    for (const { watch } of this.members) if (watch.breaker !== null) least = Math.min(least, watch.breaker.retryAfter)
    return least === Infinity ? 0 : least
  }

  #drawLevel(): Level {
    const levels = this.#levels
    const drawn = Math.random()
    for (const level of levels) if (drawn < level.upTo) return level
    return levels.at(-1)!
  }

  #anybody(failed: readonly unknown[]): Member | null {
    return this.#otherThan(failed) ?? this.#otherThan([])
  }

  #otherThan(failed: readonly unknown[]): Member | null {
    for (const level of this.#levels) {
      const member = level.otherThan(failed, 0)
      if (member !== null) return member
    }
    return null
  }

  /** Looks at everybody again: who is well, and which share he gets. */
  refresh(): void {
    if (this.#closed) return
    const time = now()
    this.#lookForPanic(time)
    if (this.#loads !== null) this.#sample(time)
    let moving = this.#loads !== null
    for (const level of this.#levels) {
      level.usable = 0
      level.total = 0
      for (const [i, member] of level.members.entries()) {
        const { weight } = member.origin
        const may = member.admits && (this.panicking || member.healthy)
        level.total += weight
        if (may) level.usable += weight
        level.weights[i] = may ? weight * this.#shareOf(member, time) : 0
        moving ||= member.warmingSince >= 0
      }
      level.balancer.weightsChanged()
    }
    if (this.#levels.length > 1) this.#shareLevels()
    if (moving) this.#wheel.arm(this.#step, STEP)
    else this.#wheel.disarm(this.#step)
  }

  #lookForPanic(time: number): void {
    let all = 0
    let healthy = 0
    for (const member of this.members) {
      const { weight } = member.origin
      all += weight
      if (member.healthy) healthy += weight
      const well = member.healthy && (member.watch.breaker === null || member.watch.breaker.state === 'closed')
      if (well === member.wasWell) continue
      member.wasWell = well
      member.warmingSince = well ? time : -1
      this.#tell(member, well)
    }
    this.panicking = healthy < this.#options.panic * all
  }

  /** Part of its configured weight. */
  #shareOf(member: Member, time: number): number {
    let share = 1
    if (member.warmingSince >= 0) {
      share = ramp(time - member.warmingSince, this.#options.slowStart)
      if (share >= 1) member.warmingSince = -1
    }
    if (this.#loads !== null) share *= this.#loads.factorAt(member.place, time)
    return share
  }

  #sample(time: number): void {
    if (time - this.#sampledAt < this.#loads!.interval) return
    this.#sampledAt = time
    this.#loads!.sample(
      this.members.map(({ live, requestsSampled }) => ({
        p95: live.latencies.quantile(0.95),
        load: live.reportedLoad,
        events: live.requests - requestsSampled,
        inFlight: live.inFlight,
      })),
      time,
    )
    for (const member of this.members) member.requestsSampled = member.live.requests
  }

  #shareLevels(): void {
    const shares = sharesOfLevels(this.#levels, 1 / this.#options.spillOver)
    let upTo = 0
    for (const [i, level] of this.#levels.entries()) level.upTo = upTo += shares[i]!
  }

  /** Every member, with the part of the traffic that it gets now. */
  shares(): Map<Member, number> {
    const shares = new Map<Member, number>()
    let before = 0
    for (const level of this.#levels) {
      const sum = level.weights.reduce((total, weight) => total + weight, 0)
      const part = this.#levels.length === 1 ? 1 : level.upTo - before
      before = level.upTo
      for (const [i, member] of level.members.entries())
        shares.set(member, sum === 0 ? 0 : (part * level.weights[i]!) / sum)
    }
    return shares
  }

  close(): void {
    this.#closed = true
    this.#wheel.disarm(this.#step)
    for (const borrowed of this.#borrowed.values()) borrowed.release()
    this.#borrowed.clear()
    this.#ended()
  }
}
