// Clients that stay with their endpoint, bound by a cookie that names it without telling its address.
import { cookieValue } from '../base/cookies.ts'
import type { UpstreamConfig } from '../config/upstream-schema.ts'
import type { Exchange } from '../contract/exchange.ts'
import type { Sticky } from '../contract/upstream.ts'
import { endpointId } from './balance/sticky.ts'

type StickyConfig = NonNullable<UpstreamConfig['sticky']>

export class StickyCookie implements Sticky {
  readonly #name: string
  readonly #attributes: string
  readonly #upstream: string
  readonly #ids = new Map<string, string>()

  constructor(upstream: string, { cookie, maxAge, path = '/', secure = false, sameSite = 'Lax' }: StickyConfig) {
    this.#upstream = upstream
    this.#name = cookie
    const age = maxAge === undefined ? '' : `; Max-Age=${Math.round(maxAge / 1000)}`
    this.#attributes = `; Path=${path}; HttpOnly; SameSite=${sameSite}${age}${secure ? '; Secure' : ''}`
  }

  idOf(url: string): string {
    let id = this.#ids.get(url)
    if (id === undefined) this.#ids.set(url, (id = endpointId(this.#upstream, url)))
    return id
  }

  /** What the client brought; '' without the cookie. */
  of(x: Exchange): string {
    return cookieValue(x.headers.find('cookie'), this.#name) ?? ''
  }

  bind(x: Exchange): string {
    const id = this.idOf(x.tries.current.endpoint!.url)
    return id === this.of(x) ? '' : `${this.#name}=${id}${this.#attributes}`
  }
}
