// One request without a connection, and an instance without a gateway, for tests of the logic of a plugin.
import { Exchange } from '../../src/contract/exchange.ts'
import type { ListenerContext, Road } from '../../src/contract/road.ts'
import type { Phases, Plugin } from '../../src/contract/plugin.ts'
import { standInHost } from '../../src/contract/testing.ts'

export interface RequestLike {
  readonly method?: string
  /** Path and query. */
  readonly target?: string
  readonly host?: string
  readonly scheme?: string
  readonly clientIp?: string
  /** Flat: [name, value, ...]. */
  readonly headers?: readonly string[]
  /** As `requestBodyLength`. */
  readonly bodyLength?: number
}

/** The real Exchange, so that headers and cookies behave as they do on the road. */
export function requestOf(request: RequestLike = {}): Exchange {
  const x = new Exchange({} as Road, {} as ListenerContext)
  const [path = '', search] = (request.target ?? '/').split(/(?=\?)/, 2)
  x.method = request.method ?? 'GET'
  x.path = path
  x.search = search ?? ''
  x.host = request.host ?? 'test'
  x.scheme = request.scheme ?? 'http'
  x.clientIp = request.clientIp ?? '127.0.0.1'
  x.body.length = request.bodyLength ?? 0
  const headers = request.headers ?? []
  for (let i = 0; i < headers.length; i += 2) x.headers.push(headers[i]!.toLowerCase(), headers[i + 1]!)
  return x
}

/** What the reply would get of what was set before there is one. */
export function replyHeader(x: Exchange, name: string): string {
  x.applyEdits()
  return x.responseHeaders.find(name)
}

/** Compiles a plugin for itself; `close` gives back what it took. */
export function instanceOf(plugin: Plugin, options: unknown): Phases & { close(): Promise<void> } {
  const { host, abort, close } = standInHost()
  return {
    ...plugin.compile(options, host),
    async close() {
      abort()
      await close()
    },
  }
}
