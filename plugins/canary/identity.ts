// What stays the same between the requests of one user.
import { claimAt, claimPath } from '../../src/base/claim.ts'
import { isToken } from '../../src/base/headers.ts'
import type { PluginExchange } from '../../src/contract/plugin.ts'

export type By = 'client-ip' | { readonly header: string } | { readonly cookie: string } | { readonly claim: string }

/** '' when the request has none. */
export type Identity = (x: PluginExchange) => string

/** Throws TypeError on a name that cannot exist. */
export function identityBy(by: By): Identity {
  if (by === 'client-ip') return (x) => x.clientIp
  if ('claim' in by) {
    const at = claimPath(by.claim)
    return ({ claims }) => {
      const value = claimAt(claims, at)
      return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
    }
  }
  const name = 'header' in by ? by.header : by.cookie
  if (!isToken(name)) throw new TypeError(`by: "${name}" is not the name of a header or cookie`)
  return 'header' in by ? (x) => x.header(name) : (x) => x.cookie(name) ?? ''
}
