// The place of a request in a trace, and what decides whether it is recorded.
import { flagsOf, isTraceparent, spanIdOf, traceIdOf } from '../base/trace-context.ts'
import { newSpanId, randomBits, traceparentLine, traceparentText, type TraceBits } from '../base/trace-ids.ts'
import type { SpanSink } from '../telemetry/span.ts'
import type { Exchange } from './exchange.ts'
import type { HeaderList } from '../base/headers.ts'

/** What the configuration says of traces; a snapshot has one, or none. */
export interface Tracing {
  /** Is the word of this client about its trace believed? */
  believes(x: Exchange): boolean
  /** Is a new trace that begins with this request recorded? `bits`: those of its id that are compared with the share. */
  samples(x: Exchange, bits: number): boolean
  /** Requests that fail are recorded, whatever was decided before. */
  readonly errors: boolean
  /** ms from which on a request is; Infinity: never. */
  readonly slow: number
  readonly spans: SpanSink
}

/** Nothing was decided: tracing is off, or the request was refused before it had a route. */
export const UNDECIDED = 0
/** Not recorded; what the client says of its trace passes untouched. */
export const KEPT = 1
/** The upstream gets a traceparent of ours. */
export const OWN = 2

const SAMPLED = 1
/** The last 56 bits of the trace id are random (Trace Context Level 2): handed on as it came. */
const RANDOM = 2

/** Part of an Exchange, and reused with it. */
export class RequestTrace implements TraceBits {
  state: typeof UNDECIDED | typeof KEPT | typeof OWN = UNDECIDED
  sampled = false
  /** The client's traceparent, if it is valid. */
  client = ''
  /** It is believed: its trace goes on. Else it is told where the new one came from. */
  continues = false
  hasBaggage = false
  /** Of a new trace; `bits` decide whether it is recorded. */
  bits = 0
  upper = 0
  lower = 0
  spanUpper = 0
  spanLower = 0
  /** The traceparent of the request that is sent next, if that is recorded. */
  forward = ''
  #own = ''
  #lateSpan = ''

  reset(): void {
    if (this.state === UNDECIDED) return
    this.state = UNDECIDED
    this.sampled = false
    this.client = ''
    this.continues = false
    this.hasBaggage = false
    this.bits = 0
    this.upper = 0
    this.lower = 0
    this.spanUpper = 0
    this.spanLower = 0
    this.forward = ''
    this.#own = ''
    this.#lateSpan = ''
  }

  /** Finds what the client says. One walk over the head, as most requests say nothing. */
  read(headers: HeaderList): void {
    const { flat, length } = headers
    let parents = 0
    let parent = ''
    for (let i = 0; i < length; i += 2) {
      const name = flat[i]!
      if (name === 'traceparent') {
        parents++
        parent = flat[i + 1]!
      } else if (name === 'baggage') this.hasBaggage = true
    }
    if (parents === 1 && isTraceparent(parent)) this.client = parent
  }

  /** A new trace begins. */
  begin(): void {
    this.state = OWN
    this.bits = randomBits()
    this.upper = randomBits()
    this.lower = randomBits()
    this.spanUpper = randomBits()
    this.spanLower = randomBits()
  }

  /** The upstream is told of a trace of ours that is not recorded: no text is made for it. */
  get isPlain(): boolean {
    return this.state === OWN && this.forward === ''
  }

  /** For a plain one: the field with its line end. The bytes are good until the next is made. */
  get line(): Buffer {
    return traceparentLine(this, 0)
  }

  /** The traceparent of the request that is sent next; '': it has none but the client's. */
  get forwarded(): string {
    return this.isPlain ? this.own : this.forward
  }

  /** Our traceparent, with the span of the request in it. Made when it is asked for first: not every request needs it. */
  get own(): string {
    if (this.#own === '') this.#own = this.#make()
    return this.#own
  }

  #make(): string {
    const { client, sampled } = this
    if (!this.continues) return traceparentText(this, sampled ? SAMPLED : 0)
    return `00-${traceIdOf(client)}-${newSpanId()}-0${(flagsOf(client) & RANDOM) | SAMPLED}`
  }

  /** Our traceparent with another span in it. */
  withSpan(span: string): string {
    return this.own.slice(0, SPAN) + span + this.own.slice(END_OF_SPAN)
  }

  /** It is recorded after all: it was slow, or has failed. */
  sampleLate(): void {
    this.sampled = true
    if (this.state === KEPT) this.#lateSpan = newSpanId()
  }

  get traceId(): string {
    return traceIdOf(this.state === OWN ? this.own : this.client)
  }

  /** Of the request here; of the client, if the request has none. */
  get spanId(): string {
    return this.#lateSpan === '' ? spanIdOf(this.state === OWN ? this.own : this.client) : this.#lateSpan
  }

  /** The span of the client, if its trace goes on. */
  get parentId(): string {
    return this.continues ? spanIdOf(this.client) : ''
  }
}

const SPAN = 36
const END_OF_SPAN = 52
