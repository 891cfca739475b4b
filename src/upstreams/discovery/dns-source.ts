// Endpoints from DNS. Each question (A, AAAA, SRV) is followed by itself: looked at again when its TTL ends, and with a life
// of its own when it fails, so that a server that cannot answer AAAA does no harm to the addresses of A.
//
//   found    -> the list is what was found             look again when the smallest TTL ends
//   absent   -> the last list, until it was absent      look again when the negative answer ends
//               for `absentGrace`, then nothing
//   failed   -> the last list, for ever                 look again after a growing, random pause
import { now } from '../../base/clock.ts'
import { isDomainName } from '../../base/dns-names.ts'
import { growingDelay } from '../../base/growing-delay.ts'
import { Pause } from '../../base/pause.ts'
import type { TimerWheel } from '../../base/timer-wheel.ts'
import { DnsClient } from './dns-client.ts'
import { addressLookup, serviceLookup, type Lookup, type Scheme } from './dns-lookup.ts'
import { EndpointList } from './endpoint-list.ts'
import type { DiscoveredEndpoint, EndpointSource } from './source.ts'

export interface DnsSourceOptions {
  /** Complete: no search domain is added. */
  readonly name: string
  readonly type: 'A' | 'AAAA' | 'A+AAAA' | 'SRV'
  /** Of the endpoints; SRV records bring their own. */
  readonly port: number
  readonly scheme: Scheme
  /** See DnsClientOptions; those of the system when there are none. */
  readonly servers?: readonly string[]
  /** ms that each server may take. Default 2000. */
  readonly timeout?: number
  /** ms; a smaller TTL counts as this. Default 1000. */
  readonly minimumTtl?: number
  /** ms. Default 300,000. */
  readonly maximumTtl?: number
  /** ms for which a name must have been absent before its endpoints are given up. Default 30,000. */
  readonly absentGrace?: number
}

type Timing = Required<Pick<DnsSourceOptions, 'minimumTtl' | 'maximumTtl' | 'absentGrace'>>

/** ms after the first failure, and at most. */
const FIRST_RETRY = 250
const LAST_RETRY = 30_000
/** By how much of itself a wait may be longer than the TTL. */
const JITTER = 0.1

export class DnsSource implements EndpointSource {
  readonly #questions: readonly Question[]
  readonly #name: string
  readonly #abort = new AbortController()
  #list: EndpointList | null = null

  /** Throws TypeError on a name or a server that is none. `clock`: monotonic ms. */
  constructor(options: DnsSourceOptions, wheel: TimerWheel, clock: () => number = now) {
    const { name, type, minimumTtl = 1000, maximumTtl = 300_000, absentGrace = 30_000 } = options
    if (!isDomainName(name)) throw new TypeError(`"${name}" is not a domain name such as api.example.com`)
    this.#name = `${name} ${type}`
    const timing = { minimumTtl, maximumTtl, absentGrace }
    this.#questions = lookups(options).map((lookup) => new Question(lookup, timing, wheel, clock))
  }

  get error(): Error | null {
    for (const { error } of this.#questions) if (error !== null) return error
    // One family without addresses is nothing special.
    const reasons = this.#questions.map(({ absent }) => absent)
    return reasons.includes('') ? null : new Error(`${this.#name}: ${reasons[0]}`)
  }

  start(changed: (endpoints: readonly DiscoveredEndpoint[]) => void): void {
    if (this.#list !== null || this.#abort.signal.aborted) return
    this.#list = new EndpointList(changed)
    for (const question of this.#questions) void question.follow(this.#abort.signal, () => this.#tell())
  }

  close(): void {
    this.#abort.abort()
    for (const question of this.#questions) question.close()
  }

  /** Nothing is told before every question was asked: a list of one family only would not last. */
  #tell(): void {
    if (this.#questions.some(({ asked }) => !asked)) return
    if (this.#questions.every(({ endpoints }) => endpoints === null)) return
    this.#list!.tell(this.#questions.flatMap(({ endpoints }) => endpoints ?? []))
  }
}

function lookups({ name, type, scheme, port, servers = [], timeout }: DnsSourceOptions): readonly Lookup[] {
  const client = new DnsClient(timeout === undefined ? { servers } : { servers, timeout })
  if (type === 'SRV') return [serviceLookup(client, name, scheme)]
  const families = type === 'A+AAAA' ? (['A', 'AAAA'] as const) : [type]
  return families.map((family) => addressLookup(client, name, family, scheme, port))
}

class Question {
  asked = false
  /** null while nothing is known. */
  endpoints: readonly DiscoveredEndpoint[] | null = null
  error: Error | null = null
  /** NXDOMAIN or NODATA, when that was the last answer. */
  absent = ''
  readonly #lookup: Lookup
  readonly #timing: Timing
  readonly #pause: Pause
  readonly #clock: () => number
  #failures = 0
  /** When the first of the last absent answers came; -1: it was none. */
  #absentSince = -1

  constructor(lookup: Lookup, timing: Timing, wheel: TimerWheel, clock: () => number) {
    this.#lookup = lookup
    this.#timing = timing
    this.#pause = new Pause(wheel)
    this.#clock = clock
  }

  async follow(signal: AbortSignal, looked: () => void): Promise<void> {
    while (!signal.aborted) {
      const found = await this.#lookup(signal)
      if (signal.aborted) return
      const wait = this.#take(found)
      this.asked = true
      looked()
      if (!signal.aborted) await this.#pause.wait(wait)
    }
  }

  close(): void {
    this.#pause.end()
  }

  /** ms until the next look. */
  #take(found: Awaited<ReturnType<Lookup>>): number {
    this.absent = found.kind === 'absent' ? found.reason : ''
    this.error = found.kind === 'absent' ? null : found.error
    if (found.kind === 'seen') this.endpoints = found.endpoints
    if (found.kind === 'seen') this.#absentSince = -1
    const wait =
      found.kind === 'absent' ? this.#takeAbsent(found.ttl) : found.kind === 'seen' ? this.#clamp(found.ttl) : Infinity
    if (this.error === null) {
      this.#failures = 0
      return wait * (1 + Math.random() * JITTER)
    }
    return Math.min(wait, growingDelay(++this.#failures, FIRST_RETRY, LAST_RETRY))
  }

  /** A server that lost a zone says NXDOMAIN as well: it must be said twice, and for a while. */
  #takeAbsent(ttl: number): number {
    const { minimumTtl, absentGrace } = this.#timing
    const time = this.#clock()
    if (this.#absentSince < 0) this.#absentSince = time
    const age = time - this.#absentSince
    const settled = this.endpoints === null || this.endpoints.length === 0 || (age > 0 && age >= absentGrace)
    if (settled) this.endpoints = []
    const wait = this.#clamp(ttl)
    return settled ? wait : Math.max(minimumTtl, Math.min(wait, absentGrace - age))
  }

  #clamp(ttl: number): number {
    return Math.min(this.#timing.maximumTtl, Math.max(this.#timing.minimumTtl, ttl))
  }
}
