// What the service is asked: the fields that a decision rests on, and where the request wants to go.
import { hash } from 'node:crypto'
import { isToken } from '../../src/base/headers.ts'
import { portOf } from '../../src/base/host.ts'
import { isHopByHop } from '../../src/base/hop-by-hop.ts'
import type { PluginExchange } from '../../src/contract/plugin.ts'

/** Flat header list; null when a field is there more than once: service and upstream could read different ones. */
export function questionOf(x: PluginExchange, names: readonly string[]): string[] | null {
  const headers: string[] = []
  for (let i = 0; i < names.length; i++) {
    const values = x.headerValues(names[i]!)
    if (values.length > 1) return null
    if (values.length === 1) headers.push(names[i]!, values[0]!)
  }
  headers.push(
    'x-forwarded-method',
    x.method,
    'x-forwarded-proto',
    x.scheme,
    'x-forwarded-host',
    hostOf(x),
    'x-forwarded-uri',
    x.path + x.search,
    'x-forwarded-for',
    x.clientIp,
  )
  return headers
}

/** '' when the request has none of the named headers: what is decided about strangers is not kept. */
export function cacheKey(x: PluginExchange, names: readonly string[], anyTarget: boolean): string {
  const parts: string[] = anyTarget ? [] : [x.method, x.scheme, hostOf(x), x.path + x.search]
  let known = false
  for (let i = 0; i < names.length; i++) {
    const values = x.headerValues(names[i]!)
    if (values.length > 0) known = true
    parts.push(JSON.stringify(values))
  }
  // Tokens do not stay in memory, and neither do long ones cost more.
  return known ? hash('sha256', JSON.stringify(parts), 'base64') : ''
}

function hostOf(x: PluginExchange): string {
  const port = portOf(x.header('host'))
  return port === '' ? x.host : `${x.host}:${port}`
}

/** Names in lower case. Throws TypeError on a name that means something else between two machines. */
export function fieldNames(names: readonly string[], where: string): string[] {
  return names.map((each) => {
    const name = each.toLowerCase()
    if (!isToken(name)) throw new TypeError(`${where}: "${each}" is not a header name`)
    if (isHopByHop(name) || name === 'host' || name === 'content-length' || name === 'expect') {
      throw new TypeError(`${where}: ${name} belongs to one connection and cannot be copied`)
    }
    if (name === 'forwarded' || name.startsWith('x-forwarded-')) {
      throw new TypeError(`${where}: the gateway writes ${name} itself`)
    }
    return name
  })
}
