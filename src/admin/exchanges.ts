// The requests that are under way: where each one is, and for how long, the oldest first.
import { now } from '../base/clock.ts'
import type { Exchange } from '../contract/exchange.ts'
import { placeOf } from '../road/place.ts'
import type { RoadState } from '../road/state.ts'
import type { Answer } from './answer.ts'
import { json } from './answer.ts'
import type { Query } from './query.ts'
import type { AdminCall, Resource } from './resource.ts'
import { Slice } from '../base/slice.ts'
import type { AdminState } from './state.ts'

/** Slices of one walk: a list that never ends is not followed for ever. */
const MOST_SLICES = 50

export interface ExchangeReport {
  readonly id: string
  readonly method: string
  readonly host: string
  /** Without the query; masked as in the access log */
  readonly path: string
  readonly client: string
  /** '' while none is found, or none was */
  readonly route: string
  readonly upstream: string
  readonly endpoint: string
  /** ms since its head arrived */
  readonly age: number
  readonly place: string
  /** ms in that place; null where nobody notes it */
  readonly inPlace: number | null
  readonly bytesIn: number
  readonly bytesOut: number
  /** Requests sent to endpoints */
  readonly tries: number
  readonly traceId: string | null
}

export const exchanges: Resource = {
  method: 'GET',
  path: '/admin/v1/exchanges',
  summary: 'the requests that are under way, and where each one is',
  access: 'read',
  parameters: ['slow', 'route', 'limit'],
  atOnce: 4,
  handle: underWay,
}

async function underWay({ query, signal }: AdminCall, state: AdminState): Promise<Answer> {
  const { slow, route, limit } = readFilter(query)
  const walk = new Walk(state.underWay)
  const found: ExchangeReport[] = []
  let x = state.underWay.oldest
  while (x !== null && !signal.aborted) {
    // Those that follow have come later still.
    if (now() - x.startedAt < slow || found.length === limit) break
    if (route === null || x.routeName === route) found.push(describe(x, state.underWay))
    x = walk.isDue ? await walk.resume(x) : x.newer
  }
  return json({ inFlight: state.underWay.inFlight, complete: walk.complete, exchanges: found })
}

export interface ExchangeFilter {
  /** ms; those that are younger are left out. */
  readonly slow: number
  /** null: any */
  readonly route: string | null
  readonly limit: number
}

/** Throws Refusal. */
export function readFilter(query: Query): ExchangeFilter {
  return {
    slow: query.duration('slow', 0),
    route: query.text('route'),
    limit: query.integer('limit', 1, 1000, 100),
  }
}

/** From the oldest to the newest, in slices; between two of them requests come and go. */
class Walk {
  /** Nothing was left out. */
  complete = true
  readonly #state: RoadState
  readonly #slice = new Slice()
  #slices = 0

  constructor(state: RoadState) {
    this.#state = state
  }

  /** The slice is over: time for `resume`. */
  get isDue(): boolean {
    return this.#slice.over
  }

  /** Lets others run; then the Exchange after `x`, or null. */
  async resume(x: Exchange): Promise<Exchange | null> {
    const { startedAt } = x
    if (++this.#slices === MOST_SLICES) {
      this.complete = false
      return null
    }
    await this.#slice.pause()
    // It may be over by now, and its object another request's.
    if (!x.finished && x.startedAt === startedAt) return x.newer
    let resumed = this.#state.oldest
    while (resumed !== null && resumed.startedAt <= startedAt) resumed = resumed.newer
    return resumed
  }
}

function describe(x: Exchange, { wheel }: RoadState): ExchangeReport {
  const { word, since } = placeOf(x, wheel)
  const mask = x.logMask ?? x.chain.mask
  return {
    id: x.requestId,
    method: x.method,
    host: x.host,
    path: mask === null ? x.path : mask.text(x.path),
    client: x.clientIp,
    route: x.routeName,
    upstream: x.upstreamName,
    endpoint: x.tries.current.endpoint?.url ?? '',
    age: rounded(now() - x.startedAt),
    place: word,
    inPlace: since === null ? null : rounded(since),
    bytesIn: x.bytesIn,
    bytesOut: x.bytesOut,
    tries: x.tries.count,
    traceId: x.traceId === '' ? null : x.traceId,
  }
}

function rounded(ms: number): number {
  return Math.round(ms * 10) / 10
}
