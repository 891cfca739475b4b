// One request and its reply, from first byte to last. Pooled and reused: every field is set in the constructor, in one
// order and of one type, and `reset` mirrors it, so that the object keeps one hidden class for ever.
import { now } from '../base/clock.ts'
import { Failure, type ErrorKind } from '../base/errors.ts'
import { ADD, HeaderEdits, REMOVE, SET } from '../base/header-edits.ts'
import { cookieValue } from '../base/cookies.ts'
import { checkHeader, checkValue, fieldName, HeaderList } from '../base/headers.ts'
import { MAX_PARAMETERS } from '../base/path-pattern.ts'
import { checkedSearch, queryValue } from '../base/query.ts'
import { baggageValue, findTraceparent, spanIdOf, traceIdOf } from '../base/trace-context.ts'
import { nextRequestId } from '../base/request-id.ts'
import { Timer } from '../base/timer-wheel.ts'
import type { Matchable } from './match.ts'
import type { BodyTransform } from './body-transform.ts'
import type { Claims, LogMask, PluginExchange } from './plugin.ts'
import type { Reply } from './reply.ts'
import { RequestBody } from './request-body.ts'
import type { RequestSpans } from './request-spans.ts'
import type { ResponseHead } from './response-head.ts'
import type { ListenerContext, Road } from './road.ts'
import type { Chain, Route, Snapshot } from './snapshot.ts'
import { RequestTrace, UNDECIDED } from './trace.ts'
import { Tries } from './tries.ts'
import type { Upstream } from './upstream.ts'
import { ANSWERED, FAILED, type Verdict } from './verdict.ts'

export const WAITING_FOR_NOTHING = 0
export const WAITING_FOR_PLUGIN = 1
export const WAITING_FOR_CONNECTION = 2
export const WAITING_FOR_REQUEST_BODY = 3
export const WAITING_FOR_HEAD = 4
export const WAITING_FOR_RESPONSE_BODY = 5
export const WAITING_FOR_RETRY = 6

const NO_CHAIN: Chain = Object.freeze({
  access: null,
  request: null,
  response: null,
  log: null,
  mask: null,
  requestBody: null,
  responseBody: null,
})

export class Exchange implements PluginExchange, Matchable {
  readonly road: Road
  readonly listener: ListenerContext
  /** Set once by the listener that makes the Exchange. */
  reply!: Reply
  /** Neighbours among the Exchanges that are under way, by when they came. */
  older: Exchange | null = null
  newer: Exchange | null = null

  // request
  method = ''
  /** Request target as the client sent it, query included. */
  target = ''
  path = ''
  search = ''
  /** Host field as sent. */
  authority = ''
  host = ''
  scheme = 'http'
  /** Address of the connection's other end. */
  peerIp = ''
  clientIp = ''
  /** HTTP minor version: 0 or 1. */
  minorVersion = 1
  readonly headers = new HeaderList()
  readonly offsets = new Int32Array(MAX_PARAMETERS * 2)
  readonly body = new RequestBody()
  preflight = false
  consumer = ''
  claims: Claims | null = null
  logMask: LogMask | null = null
  /** What the listener could not read faithfully; the guard refuses the request with it. */
  malformed: ErrorKind | null = null
  readonly trace = new RequestTrace()
  /** null: the request is not recorded, and nothing is made for it. */
  spans: RequestSpans | null = null

  // what was decided
  snapshot: Snapshot | null = null
  route: Route | null = null
  chain: Chain = NO_CHAIN
  upstream: Upstream | null = null

  // where it is
  /** Index into the road's table of stages. */
  stage = 0
  /** Step at which a parked chain goes on. */
  resumeAt = 0
  /** Times that a promise parked it: one that settles after its time was up is told from the one awaited now. */
  parks = 0
  /** What the timer measures: one of WAITING_FOR_*. */
  waiting = WAITING_FOR_NOTHING
  readonly tries: Tries
  /** The head was handed to the reply: nothing but the body, or a cut, can follow. */
  headSent = false
  /** The reply is complete, cut, or the client is gone. */
  finished = false
  /** Somebody outside may still hold a reference: drop it instead of recycling. */
  shared = false
  /** The upstream waits until the client reads. */
  clientSlow = false
  /** Reply events that came while the response steps waited for a promise. */
  endedEarly = false

  // what goes to the upstream; made by road/send.ts
  upstreamTarget = ''
  readonly upstreamHeaders = new HeaderList()

  // reply
  status = 0
  /** The upstream's head, or the route's own, as long as nobody needs its fields; `openHead` takes it apart. */
  responseHead: ResponseHead | null = null
  readonly responseHeaders = new HeaderList()
  /** What plugins change in a head that is not there yet or not taken apart. */
  readonly responseEdits = new HeaderEdits()
  /** Body bytes that follow the head; UNKNOWN_LENGTH if as many as come. */
  responseLength = 0
  /** HEAD, 204 and 304: a head and nothing else. */
  bodyless = false
  /** The connection is closed after the reply. */
  closeAfter = false
  /** Body of a reply that the gateway makes; null when it streams from an upstream. */
  localBody: string | Uint8Array | null = null
  /** Transforms of the upstream's body; null when nobody takes part. */
  responsePipe: BodyTransform | null = null
  failure: Failure | null = null
  failedPlugin = ''
  bytesOut = 0
  /** Bytes moved either way since the request began; the idle timer compares it. */
  progress = 0
  progressSeen = 0

  // times, monotonic ms; 0: not yet
  startedAt = 0
  respondedAt = 0

  readonly timer: Timer
  readonly totalTimer: Timer

  #id = ''

  constructor(road: Road, listener: ListenerContext) {
    this.road = road
    this.listener = listener
    this.timer = new Timer(() => road.timedOut(this, false))
    this.totalTimer = new Timer(() => road.timedOut(this, true))
    this.tries = new Tries(() => road.hedgeDue(this))
  }

  /** Ready for the next request. Mirrors the fields above. */
  reset(): void {
    this.method = ''
    this.target = ''
    this.path = ''
    this.search = ''
    this.authority = ''
    this.host = ''
    this.scheme = 'http'
    this.peerIp = ''
    this.clientIp = ''
    this.minorVersion = 1
    this.headers.clear()
    this.body.reset()
    this.preflight = false
    this.consumer = ''
    this.claims = null
    this.logMask = null
    this.malformed = null
    this.trace.reset()
    this.spans = null
    this.snapshot = null
    this.route = null
    this.chain = NO_CHAIN
    this.upstream = null
    this.stage = 0
    this.resumeAt = 0
    this.tries.reset()
    this.headSent = false
    this.finished = false
    this.shared = false
    this.clientSlow = false
    this.endedEarly = false
    this.upstreamTarget = ''
    this.upstreamHeaders.clear()
    this.status = 0
    this.responseHead = null
    this.responseHeaders.clear()
    this.responseEdits.clear()
    this.responseLength = 0
    this.bodyless = false
    this.closeAfter = false
    this.localBody = null
    this.responsePipe = null
    this.failure = null
    this.failedPlugin = ''
    this.bytesOut = 0
    this.progress = 0
    this.progressSeen = 0
    this.startedAt = 0
    this.respondedAt = 0
    this.parks = 0
    this.waiting = WAITING_FOR_NOTHING
    this.#id = ''
  }

  get routeName(): string {
    return this.route === null ? '' : this.route.name
  }

  get upstreamName(): string {
    return this.upstream === null ? '' : this.upstream.name
  }

  get requestBodyLength(): number {
    return this.body.length
  }

  get bytesIn(): number {
    return this.body.received
  }

  get elapsed(): number {
    return now() - this.startedAt
  }

  get upstreamLatency(): number {
    return this.respondedAt === 0 ? -1 : this.respondedAt - this.startedAt
  }

  get errorCode(): string {
    return this.failure === null ? '' : this.failure.kind.code
  }

  get requestId(): string {
    if (this.#id === '') this.#id = nextRequestId()
    return this.#id
  }

  get traceId(): string {
    return this.trace.state === UNDECIDED ? traceIdOf(findTraceparent(this.headers)) : this.trace.traceId
  }

  get spanId(): string {
    return this.trace.state === UNDECIDED ? spanIdOf(findTraceparent(this.headers)) : this.trace.spanId
  }

  get sampled(): boolean {
    return this.trace.sampled
  }

  baggage(name: string): string | null {
    return baggageValue(this.headers.join('baggage'), name)
  }

  setRequestId(id: string): void {
    checkValue('x-request-id', id)
    this.#id = id
  }

  header(name: string): string {
    return this.headers.find(fieldName(name))
  }

  hasHeader(name: string): boolean {
    return this.headers.has(fieldName(name))
  }

  headerCount(name: string): number {
    return this.headers.count(fieldName(name))
  }

  headerValues(name: string): readonly string[] {
    return this.headers.findAll(fieldName(name))
  }

  setRequestHeader(name: string, value: string): void {
    this.#check(name, value)
    this.headers.set(fieldName(name), value)
  }

  addRequestHeader(name: string, value: string): void {
    this.#check(name, value)
    this.headers.push(fieldName(name), value)
  }

  removeRequestHeader(name: string): void {
    this.headers.remove(fieldName(name))
  }

  responseHeader(name: string): string {
    this.openHead()
    return this.responseHeaders.find(fieldName(name))
  }

  setResponseHeader(name: string, value: string): void {
    this.#check(name, value)
    this.#edit(SET, fieldName(name), value)
  }

  addResponseHeader(name: string, value: string): void {
    this.#check(name, value)
    this.#edit(ADD, fieldName(name), value)
  }

  removeResponseHeader(name: string): void {
    this.#edit(REMOVE, fieldName(name), '')
  }

  /** The request id was checked when it was set, and is what is put into headers most. */
  #check(name: string, value: string): void {
    if (value !== this.#id) checkValue(name, value)
  }

  #edit(operation: typeof SET | typeof ADD | typeof REMOVE, name: string, value: string): void {
    this.responseEdits.push(operation, name, value)
    if (this.status !== 0) this.applyEdits()
  }

  /** There is a reply: what plugins asked for is applied to it, now or when its head is written or taken apart. */
  applyEdits(): void {
    if (this.responseHead !== null) return
    this.responseEdits.applyTo(this.responseHeaders)
    this.responseEdits.clear()
  }

  /** Takes the head apart: from now on `responseHeaders` is the truth. */
  openHead(): void {
    if (this.responseHead === null) return
    this.responseHead.copyTo(this.responseHeaders)
    this.responseHead = null
    this.applyEdits()
  }

  cookie(name: string): string | null {
    return cookieValue(this.headers.find('cookie'), name)
  }

  queryParameter(name: string): string | null {
    return queryValue(this.search, name)
  }

  setSearch(search: string): void {
    this.search = checkedSearch(search)
  }

  authenticate(consumer: string, claims: Claims): void {
    checkValue('consumer', consumer)
    this.consumer = consumer
    this.claims = claims
  }

  param(name: string): string {
    const names = this.route?.parameters
    const index = names === undefined ? -1 : names.indexOf(name)
    if (index < 0) return ''
    return this.path.slice(this.offsets[index * 2], this.offsets[index * 2 + 1])
  }

  respond(status: number, headers: readonly string[], body: string | Uint8Array): Verdict {
    if (!Number.isInteger(status) || status < 200 || status > 599) {
      throw new TypeError(`status ${status} is not a whole number from 200 to 599`)
    }
    for (let i = 0; i < headers.length; i += 2) checkHeader(headers[i]!, headers[i + 1]!)
    this.status = status
    this.responseHead = null
    this.responseHeaders.clear()
    for (let i = 0; i < headers.length; i += 2) this.responseHeaders.push(headers[i]!.toLowerCase(), headers[i + 1]!)
    this.localBody = body
    return ANSWERED
  }

  deny(kind: ErrorKind, detail = ''): Verdict {
    return this.fail(new Failure(kind, detail))
  }

  fail(failure: Failure): typeof FAILED {
    this.failure = failure
    return FAILED
  }

  limitBody(bytes: number): void {
    if (bytes < this.body.limit) this.body.limit = bytes
  }
}
