// Whose events are counted together: what the options name, as one text per request.
import { createHash } from 'node:crypto'
import { isIPv6 } from 'node:net'
import { memberAt } from '../base/claim.ts'
import { fieldName } from '../base/headers.ts'
import type { PluginExchange } from './plugin.ts'

/** What makes requests count together. */
export interface RequestKey {
  readonly of: (x: PluginExchange) => string
  /** A key as it may be shown: values that could be secrets are hashed. */
  shown(key: string): string
}

/** Stands between the parts of a key; no header value, name or address has it. */
const BETWEEN = '\n'

/** Throws TypeError on a part that is none. */
export function compileKey(key: string | readonly string[]): RequestKey {
  const parts = typeof key === 'string' ? [key] : key
  const sources = parts.map(compilePart)
  const [first] = sources
  if (first === undefined)
    throw new TypeError('key: names at least one of client-ip, consumer, route, header:NAME or claim:NAME')
  const shown = (key: string): string =>
    key
      .split(BETWEEN)
      .map((value, i) => (sources[i]?.secret === true ? fingerprint(value) : value))
      .join(' ')
  if (sources.length === 1) return { of: first.of, shown }
  const rest = sources.slice(1)
  const of = (x: PluginExchange): string => {
    let key = first.of(x)
    for (let i = 0; i < rest.length; i++) key += BETWEEN + rest[i]!.of(x)
    return key
  }
  return { of, shown }
}

interface Part {
  readonly of: (x: PluginExchange) => string
  readonly secret: boolean
}

function compilePart(part: string): Part {
  if (part === 'client-ip') return { of: (x) => network(x.clientIp), secret: false }
  if (part === 'consumer') return { of: (x) => x.consumer, secret: false }
  if (part === 'route') return { of: (x) => x.routeName, secret: false }
  const colon = part.indexOf(':')
  const name = part.slice(colon + 1)
  if (part.startsWith('header:') && IS_NAME.test(name)) {
    const field = fieldName(name)
    // All requests without the header count as one: leaving it out gains nothing.
    return { of: (x) => x.header(field), secret: true }
  }
  if (part.startsWith('claim:') && name !== '') {
    const path = name.split('.')
    return { of: (x) => claim(x.claims, path), secret: true }
  }
  throw new TypeError(`key: "${part}" is none of client-ip, consumer, route, header:NAME or claim:NAME`)
}

const IS_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/** One subscriber of IPv6 has a whole /64 to take addresses from (RFC 6177). */
export function network(ip: string): string {
  if (!ip.includes(':') || !isIPv6(ip)) return ip
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip)
  if (mapped !== null) return mapped[1]!
  const [head = '', tail] = ip.split('%')[0]!.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? 0 : tail.split(':').length + (tail.includes('.') ? 1 : 0)
  const gap = tail === undefined ? 0 : 8 - before.length - after
  const groups = [...before, ...Array.from({ length: gap }, () => '0'), ...(tail ?? '').split(':')]
  return groups
    .slice(0, 4)
    .map((group) => parseInt(group || '0', 16).toString(16))
    .join(':')
    .concat('::/64')
}

function claim(claims: PluginExchange['claims'], path: readonly string[]): string {
  const value = memberAt(claims, path, true)
  return value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value)
}

function fingerprint(value: string): string {
  return value === '' ? 'none' : createHash('sha256').update(value).digest('hex').slice(0, 12)
}
