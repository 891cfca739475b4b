// One request without a connection, and a Host without a gateway, for tests of the logic of a plugin.
import { Exchange, type ListenerContext, type Road } from '../../src/contract/exchange.ts'
import type { Host } from '../../src/contract/host.ts'
import type { Phases, Plugin } from '../../src/contract/plugin.ts'

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

/** Compiles a plugin with a Host that shares nothing beyond `close`, which stops the instance. */
export function instanceOf(plugin: Plugin, options: unknown): Phases & { close(): Promise<void> } {
  const stop = new AbortController()
  const closing: (() => unknown)[] = []
  const silent = { debug() {}, info() {}, warn() {}, error() {} }
  const host: Host = {
    log: silent,
    metrics: {
      counter: () => ({ add() {} }),
      gauge: () => ({ set() {} }),
      collect() {},
    },
    place: 'plugins',
    limits: { open: () => onlyInGateway('limits') },
    auth: { verifier: () => onlyInGateway('auth') },
    signal: stop.signal,
    every() {},
    after() {},
    shared: (_key, create) => create(),
    own(_what, thing, close) {
      closing.push(() => close(thing))
      return thing
    },
  }
  const phases = plugin.compile(options, host)
  return {
    ...phases,
    async close() {
      stop.abort()
      for (const close of closing.splice(0)) await close()
    },
  }
}

function onlyInGateway(what: string): never {
  throw new Error(`${what} of the Host is there in a gateway only`)
}
