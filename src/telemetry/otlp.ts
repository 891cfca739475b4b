// The one place that knows the OpenTelemetry SDK. Loaded only where traces are configured: it takes 15 MiB and a tenth of a second.
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { performance } from 'node:perf_hooks'
import { SpanKind, SpanStatusCode, TraceFlags, type HrTime, type SpanContext } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import type { Span } from './span.ts'

export interface OtlpSettings {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** ms for one batch, tries again included. */
  readonly timeout: number
  readonly service: string
}

const KINDS = { server: SpanKind.SERVER, client: SpanKind.CLIENT, internal: SpanKind.INTERNAL } as const
const SCOPE = { name: 'sluice' }
const NO_EVENTS: ReadableSpan['events'] = []
const NO_LINKS: ReadableSpan['links'] = []
/** Success, as the exporter tells it. */
const SUCCESS = 0
/** A receiver may write what it likes into its reason. */
const MOST_REASON = 200

export class OtlpSender {
  readonly #agents: readonly [HttpAgent, HttpsAgent]
  readonly #exporter: OTLPTraceExporter
  readonly #resource: ReadableSpan['resource']

  constructor({ url, headers, timeout, service }: OtlpSettings) {
    const agents = [new HttpAgent({ keepAlive: true }), new HttpsAgent({ keepAlive: true })] as const
    this.#agents = agents
    this.#resource = resourceFromAttributes({ 'service.name': service })
    this.#exporter = new OTLPTraceExporter({
      url,
      headers: { ...headers },
      timeoutMillis: timeout,
      httpAgentOptions: (protocol: string) => (protocol === 'https:' ? agents[1] : agents[0]),
    })
  }

  /** Resolves with '', or with why they were lost. Temporary refusals are tried again within the time of the batch. */
  send(spans: readonly Span[]): Promise<string> {
    // The system clock is looked at once per batch: it may have been set since the request.
    const offset = Date.now() - performance.now()
    const readable = spans.map((span) => this.#readable(span, offset))
    return new Promise((resolve) => {
      try {
        this.#exporter.export(readable, ({ code, error }) =>
          resolve((code as number) === SUCCESS ? '' : reasonOf(error).slice(0, MOST_REASON)),
        )
      } catch (error) {
        resolve(reasonOf(error as Error).slice(0, MOST_REASON))
      }
    })
  }

  /** Whatever is on its way is given up. */
  destroy(): void {
    for (const agent of this.#agents) agent.destroy()
  }

  #readable(span: Span, offset: number): ReadableSpan {
    const { traceId, spanId, parentId, parentIsRemote, tracestate, link, failed } = span
    const context: SpanContext = { traceId, spanId, traceFlags: TraceFlags.SAMPLED }
    if (tracestate !== '') context.traceState = stateOf(tracestate)
    const start = hrTime(span.start + offset)
    const end = hrTime(span.end + offset)
    const readable: ReadableSpan = {
      name: span.name,
      kind: KINDS[span.kind],
      spanContext: () => context,
      startTime: start,
      endTime: end,
      status: { code: failed ? SpanStatusCode.ERROR : SpanStatusCode.UNSET },
      attributes: span.attributes,
      links: link === null ? NO_LINKS : [{ context: { ...link, traceFlags: TraceFlags.NONE, isRemote: true } }],
      events: NO_EVENTS,
      duration: hrTime(span.end - span.start),
      ended: true,
      resource: this.#resource,
      instrumentationScope: SCOPE,
      droppedAttributesCount: 0,
      droppedEventsCount: 0,
      droppedLinksCount: 0,
    }
    if (parentId === '') return readable
    const parent = { traceId, spanId: parentId, traceFlags: TraceFlags.SAMPLED, isRemote: parentIsRemote }
    return { ...readable, parentSpanContext: parent }
  }
}

/** Only what says it: the error itself holds the whole reply of the receiver. */
function reasonOf(error: (Error & { readonly code?: unknown }) | undefined): string {
  if (error === undefined) return 'failed'
  const { message, code } = error
  if (typeof code === 'number') return `status ${code} ${message}`
  return message === '' && typeof code === 'string' ? code : message
}

/** Passed on as it is: it was checked, and nobody here looks into it. */
function stateOf(text: string): NonNullable<SpanContext['traceState']> {
  return { get: () => undefined, set: () => stateOf(text), unset: () => stateOf(text), serialize: () => text }
}

/** [s, ns] of ms since the epoch. */
function hrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1000)
  return [seconds, Math.min(999_999_999, Math.round((ms - seconds * 1000) * 1e6))]
}
