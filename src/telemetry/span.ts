// What is told of a request that is traced, before it takes the form in which it is sent.

export type SpanAttributes = Record<string, string | number | boolean>

export interface Span {
  readonly name: string
  readonly kind: 'server' | 'client' | 'internal'
  readonly traceId: string
  readonly spanId: string
  /** '' for the first of its trace. */
  readonly parentId: string
  /** The parent is a span of somebody else. */
  readonly parentIsRemote: boolean
  /** '' for none. */
  readonly tracestate: string
  /** Monotonic ms. */
  readonly start: number
  readonly end: number
  readonly attributes: SpanAttributes
  readonly failed: boolean
  /** Trace and span of a client whose trace is not continued; null for none. */
  readonly link: { readonly traceId: string; readonly spanId: string } | null
}

/** Takes finished spans. Never blocks, never throws; what is lost is counted. */
export interface SpanSink {
  /** All spans of one request, which are kept together or not at all. */
  add(spans: readonly Span[]): void
  /** So many could not be made. */
  lose(spans: number): void
  /** May one more request be recorded that was not to be? `time` is monotonic ms. */
  takesLate(time: number): boolean
}

/** What became of spans since the process began. */
export class SpanCounts {
  exported = 0
  /** There was no room for them. */
  dropped = 0
  /** Handed over, and refused or lost on the way. */
  failed = 0

  samples(): { readonly labels: { readonly result: string }; readonly value: number }[] {
    const { exported, dropped, failed } = this
    return Object.entries({ exported, dropped, failed }).map(([result, value]) => ({ labels: { result }, value }))
  }
}
