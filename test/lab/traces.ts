// A gateway that traces, between an upstream that says what it gets and a receiver that reads OTLP.
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { GatewayProcess, type Engine } from './gateway.ts'
import { OtlpReceiver } from './otlp.ts'
import { RawClient } from './raw-client.ts'
import { startHttpUpstream, type Upstream } from './upstreams.ts'

const OWN = /^00-([0-9a-f]{32})-([0-9a-f]{16})-(0[01])$/

export interface TraceLabOptions {
  readonly engine?: Engine
  readonly transport?: string
  /** Of observability.traces, besides otlp. */
  readonly traces?: string
  /** More of the upstream. */
  readonly policy?: string
  readonly plugins?: string
  readonly endpoints?: readonly Upstream[]
  readonly files?: Readonly<Record<string, string>>
  readonly timeout?: string
  readonly env?: Readonly<Record<string, string>>
  /** False: without traces, until it is configured anew. */
  readonly configured?: boolean
}

export interface TraceLab {
  readonly gateway: GatewayProcess
  readonly receiver: OtlpReceiver
  readonly upstream: Upstream
  readonly client: RawClient
  /** The configuration, with other settings of traces. */
  readonly yaml: (traces: string, url?: string) => string
  /** sluice_trace_spans_total by result. */
  readonly counts: () => Promise<Record<string, number>>
}

/** A secret among the settings is S3CRET. */
export async function traceLab(test: TestContext, options: TraceLabOptions = {}): Promise<TraceLab> {
  const receiver = await OtlpReceiver.start(test)
  const upstream = await startHttpUpstream(test, (request, response) => {
    const url = new URL(request.url!, 'http://h')
    request.resume()
    const answer = (): void => {
      response.statusCode = Number(url.searchParams.get('status') ?? 200)
      if (url.searchParams.has('cut')) {
        response.setHeader('content-length', 100)
        response.write('x', () => response.destroy())
      } else response.end('ok')
    }
    setTimeout(answer, Number(url.searchParams.get('wait') ?? 0))
  })
  const { endpoints = [upstream], files = {}, engine = 'uws', transport = 'wire', timeout = '10s' } = options
  const yaml = (traces: string, url = receiver.url): string => `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0', engine: ${engine} }]
admin: { bind: '127.0.0.1:0' }
${options.plugins ?? 'plugins: { access-log: {} }'}
observability:
  traces: { otlp: { url: '${url}', timeout: ${timeout}, headers: { x-key: S3CRET } }, ${traces} }
upstreams:
  app:
    endpoints: [${endpoints.map((each) => `{ url: '${each.url}' }`).join(', ')}]
    transport: ${transport}
    ${options.policy ?? ''}
routes:
  - { name: items, match: { path: '/items/{id}' }, upstream: app }
  - { name: own, match: { path: /own }, respond: { body: hello } }
  - { name: broken, match: { path: /broken }, respond: { status: 503 } }
`
  const first = yaml(options.traces ?? 'ratio: 100%')
  const gateway = await GatewayProcess.start(
    test,
    options.configured === false ? first.replace(/observability:\n.*\n/, '') : first,
    { files, env: options.env ?? {} },
  )
  return {
    gateway,
    receiver,
    upstream,
    yaml,
    client: await RawClient.connect(test, gateway.port('main')),
    async counts() {
      const text = await (await fetch(`http://127.0.0.1:${gateway.port('admin')}/metrics`)).text()
      const found = text.matchAll(/^sluice_trace_spans_total\{result="(\w+)"\} (\d+)$/gm)
      return Object.fromEntries([...found].map(([, result, n]) => [result!, +n!]))
    },
  }
}

/** The trace, span and flags that the upstream got with request `index`. */
export function sentTo(upstream: Upstream, index = -1): [string, string, string] {
  const seen = upstream.seen.at(index)!
  assert.equal(seen.headers.filter((name, i) => i % 2 === 0 && name === 'traceparent').length, 1)
  const match = OWN.exec(seen.header('traceparent'))
  assert.ok(match !== null, seen.header('traceparent'))
  return [match[1]!, match[2]!, match[3]!]
}
