// An Exchange for unit tests of plugins: the real one, without a road or a listener behind it.
import { Exchange, type ListenerContext, type Road } from '../../src/contract/exchange.ts'

export interface Asked {
  readonly headers?: readonly (readonly [string, string])[]
  readonly search?: string
}

export function pluginExchange({ headers = [], search = '' }: Asked = {}): Exchange {
  const x = new Exchange({} as Road, {} as ListenerContext)
  for (const [name, value] of headers) x.headers.push(name, value)
  x.search = search
  return x
}

/** What plugins have asked to set in the reply. */
export function replyHeader(x: Exchange, name: string): string {
  x.status = 200
  x.applyEdits()
  return x.responseHeader(name)
}
