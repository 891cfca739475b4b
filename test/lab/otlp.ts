// A receiver of traces: reads OTLP/HTTP (JSON) as the specification has it, and can be as difficult as real ones are.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { TestContext } from 'node:test'
import { Upstream } from './upstreams.ts'

type Value = string | number | boolean | undefined

export interface ReceivedSpan {
  readonly name: string
  /** server, client or internal. */
  readonly kind: string
  readonly traceId: string
  readonly spanId: string
  /** '' for none. */
  readonly parentId: string
  readonly tracestate: string
  /** ns since the epoch. */
  readonly start: bigint
  readonly end: bigint
  readonly failed: boolean
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[]
  readonly attributes: Readonly<Record<string, Value>>
  /** service.name of the resource that it came with. */
  readonly service: Value
}

interface Attribute {
  readonly key: string
  readonly value: { stringValue?: string; intValue?: string | number; doubleValue?: number; boolValue?: boolean }
}

interface OtlpSpan {
  name: string
  kind: number
  traceId: string
  spanId: string
  parentSpanId?: string
  traceState?: string
  startTimeUnixNano: string
  endTimeUnixNano: string
  status?: { code?: number }
  links?: { traceId: string; spanId: string }[]
  attributes: Attribute[]
}

interface Request {
  resourceSpans: {
    resource: { attributes: Attribute[] }
    scopeSpans: { scope: { name: string }; spans: OtlpSpan[] }[]
  }[]
}

/** Takes a request over; returns true if it did. */
export type Mood = (request: IncomingMessage, response: ServerResponse) => boolean

export class OtlpReceiver {
  readonly spans: ReceivedSpan[] = []
  /** Headers of each batch that was read. */
  readonly batches: IncomingMessage['headers'][] = []
  /** Requests, whatever became of them. */
  requests = 0
  mood: Mood = () => false
  readonly #upstream: Upstream

  private constructor(upstream: Upstream) {
    this.#upstream = upstream
  }

  static async start(test: TestContext, port = 0): Promise<OtlpReceiver> {
    const server = createServer((request, response) => void receiver.#answer(request, response))
    const receiver: OtlpReceiver = new OtlpReceiver(await Upstream.start(test, server, port))
    return receiver
  }

  get port(): number {
    return this.#upstream.port
  }

  get url(): string {
    return `${this.#upstream.url}/v1/traces`
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#upstream.sockets.size
  }

  until(condition: () => boolean, what: string): Promise<void> {
    return this.#upstream.until(condition, `${what}; spans: ${this.spans.map(({ name }) => name).join(', ')}`)
  }

  /** Waits until there are so many spans of a trace, or in all; gives them by when they began. */
  async spansOf(traceId: string, count: number): Promise<ReceivedSpan[]> {
    const found = (): ReceivedSpan[] => this.spans.filter((span) => traceId === '' || span.traceId === traceId)
    await this.until(() => found().length >= count, `${count} spans`)
    return found().toSorted((a, b) => Number(a.start - b.start))
  }

  close(): void {
    this.#upstream.close()
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests++
    response.on('error', () => {})
    if (this.mood(request, response)) {
      request.resume()
      this.#upstream.wake()
      return
    }
    const chunks: Buffer[] = []
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer)
    } catch {
      return // the sender has gone
    }
    if (request.url !== '/v1/traces' || request.headers['content-type'] !== 'application/json') {
      response.writeHead(415).end()
      return
    }
    this.#read(JSON.parse(Buffer.concat(chunks).toString()) as Request)
    this.batches.push(request.headers)
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    this.#upstream.wake()
  }

  #read({ resourceSpans }: Request): void {
    for (const { resource, scopeSpans } of resourceSpans) {
      const service = attributesOf(resource.attributes)['service.name']
      for (const { spans } of scopeSpans) for (const span of spans) this.spans.push(received(span, service))
    }
  }
}

const KINDS = ['', 'internal', 'server', 'client']

function received(span: OtlpSpan, service: Value): ReceivedSpan {
  const { name, kind, traceId, spanId, parentSpanId = '', traceState = '', status, links = [] } = span
  if (!/^[0-9a-f]{32}$/.test(traceId) || !/^[0-9a-f]{16}$/.test(spanId)) throw new Error(`ids of ${name} are wrong`)
  return {
    name,
    kind: KINDS[kind]!,
    traceId,
    spanId,
    parentId: parentSpanId,
    tracestate: traceState,
    start: BigInt(span.startTimeUnixNano),
    end: BigInt(span.endTimeUnixNano),
    failed: status?.code === 2,
    links: links.map((link) => ({ traceId: link.traceId, spanId: link.spanId })),
    attributes: attributesOf(span.attributes),
    service,
  }
}

function attributesOf(list: readonly Attribute[]): Record<string, Value> {
  return Object.fromEntries(
    list.map(({ key, value }) => [
      key,
      value.stringValue ??
        value.boolValue ??
        value.doubleValue ??
        (value.intValue === undefined ? undefined : +value.intValue),
    ]),
  )
}
