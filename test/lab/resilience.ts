// A gateway in front of endpoints that can be made faulty, with one upstream `app` and its live state.
import type { TestContext } from 'node:test'
import type { UpstreamReport } from '../../src/upstreams/report.ts'
import { FaultyEndpoint } from './faults/endpoint.ts'
import { GatewayProcess, ROADS, type Road } from './gateway.ts'
import { RawClient, type RawResponse } from './raw-client.ts'

const ROAD = ROADS[0]!

/** Faulty endpoints named a, b, c … */
export async function endpoints(test: TestContext, count: number): Promise<FaultyEndpoint[]> {
  const started = await Promise.all(Array.from({ length: count }, (_, i) => FaultyEndpoint.start('abcdefgh'[i]!)))
  test.after(() => Promise.all(started.map((endpoint) => endpoint.close())))
  return started
}

export interface ResilienceOptions {
  readonly road?: Road
  /** More of the upstream `app`, and more of the file. */
  readonly policy?: string
  readonly more?: string
  readonly before?: string
}

export function yaml(
  urls: readonly string[],
  { road = ROAD, policy = '', more = '', before = '' }: ResilienceOptions,
): string {
  return `version: 1
listeners: [{ name: main, bind: '127.0.0.1:0', engine: ${road.engine} }]
admin: { bind: '127.0.0.1:0' }
${before}
upstreams:
  app:
    endpoints: [${urls.map((url) => (url.startsWith('{') ? url : `{ url: '${url}' }`)).join(', ')}]
    transport: ${road.transport}
${policy.replaceAll(/^/gm, '    ')}
${more.replaceAll(/^/gm, '  ')}
routes: [{ name: all, match: { path: '/**' }, upstream: app }]
`
}

export class ResilienceLab {
  readonly gateway: GatewayProcess
  readonly client: RawClient
  readonly #test: TestContext

  constructor(test: TestContext, gateway: GatewayProcess, client: RawClient) {
    this.#test = test
    this.gateway = gateway
    this.client = client
  }

  static async start(
    test: TestContext,
    urls: readonly string[],
    options: ResilienceOptions = {},
  ): Promise<ResilienceLab> {
    const gateway = await GatewayProcess.start(test, yaml(urls, options))
    return new ResilienceLab(test, gateway, await RawClient.connect(test, gateway.port('main')))
  }

  connect(): Promise<RawClient> {
    return RawClient.connect(this.#test, this.gateway.port('main'))
  }

  async post(method: string, body: string | Buffer): Promise<RawResponse> {
    this.client.send(`${method} / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`)
    this.client.send(body)
    return this.client.response(method)
  }

  async report(): Promise<UpstreamReport> {
    const response = await fetch(`http://127.0.0.1:${this.gateway.port('admin')}/admin/v1/upstreams`)
    const { upstreams } = (await response.json()) as { upstreams: UpstreamReport[] }
    return upstreams.find(({ name }) => name === 'app')!
  }

  /** Waits until the admin API says so. */
  async until(condition: (report: UpstreamReport) => boolean, what: string): Promise<UpstreamReport> {
    const patience = Date.now() + 15_000
    for (;;) {
      const report = await this.report()
      if (condition(report)) return report
      if (Date.now() > patience) throw new Error(`waited in vain for ${what}: ${JSON.stringify(report)}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}

/** Which endpoint has answered. */
export function nameOf(response: RawResponse): string {
  return (JSON.parse(response.body.toString()) as { endpoint: string }).endpoint
}

/** SLUICE_… of a problem. */
export function codeOf(response: RawResponse): string {
  return (JSON.parse(response.body.toString()) as { code: string }).code
}
