// The places where a request may carry its key. A key is text as UTF-8: headers and cookies give its bytes.
import { isToken } from '../../src/base/headers.ts'
import { queryValues } from '../../src/base/query.ts'
import type { PluginExchange } from '../../src/contract/plugin.ts'

export interface KeySource {
  /** Every key in this place, as bytes or text; empty ones are none. More than two are not looked for. */
  read(x: PluginExchange): readonly (Buffer | string)[]
  /** Removes every key from what is forwarded. */
  remove(x: PluginExchange): void
}

const MOST = 2

/** Throws TypeError when there is no place, or one that cannot exist. */
export function keySources(from: { header?: string; cookie?: string; query?: string }): KeySource[] {
  const sources: KeySource[] = []
  for (const kind of ['header', 'cookie'] as const) {
    const name = from[kind]
    if (name !== undefined && !isToken(name))
      throw new TypeError(`from.${kind}: "${name}" is not the name of a ${kind}`)
  }
  if (from.header !== undefined) sources.push(headerSource(from.header.toLowerCase()))
  if (from.cookie !== undefined) sources.push(cookieSource(from.cookie))
  if (from.query !== undefined) sources.push(querySource(from.query))
  if (sources.length === 0) throw new TypeError('from names no place: give header, cookie or query')
  return sources
}

function headerSource(name: string): KeySource {
  return {
    read: (x) => x.headerValues(name).filter(isThere).map(bytes),
    remove: (x) => x.removeRequestHeader(name),
  }
}

function cookieSource(name: string): KeySource {
  return {
    read: (x) =>
      cookies(x)
        .filter((pair) => nameOf(pair) === name && isThere(valueOf(pair)))
        .map((pair) => bytes(valueOf(pair))),
    remove(x) {
      const kept = cookies(x).filter((pair) => nameOf(pair) !== name)
      if (kept.length === 0) x.removeRequestHeader('cookie')
      else x.setRequestHeader('cookie', kept.join('; '))
    },
  }
}

function querySource(name: string): KeySource {
  return {
    read(x) {
      const values: string[] = []
      if (x.search === '') return values
      queryValues(x.search, name, (value) => {
        if (value !== '') values.push(value)
        return values.length === MOST
      })
      return values
    },
    remove(x) {
      const pairs = x.search.slice(1).split('&')
      // Decoded as when it was read: an escaped name hides nothing.
      const kept = pairs.filter((pair) => !queryValues(`?${pair}`, name, () => true))
      if (kept.length < pairs.length) x.setSearch(kept.length === 0 ? '' : `?${kept.join('&')}`)
    },
  }
}

/** The pairs of all Cookie fields: RFC 6265 allows one, and whoever sends two must not hide a cookie. */
function cookies(x: PluginExchange): string[] {
  const fields = x.headerValues('cookie')
  if (fields.length === 0) return []
  return fields
    .join(';')
    .split(';')
    .map((pair) => pair.trim())
    .filter(isThere)
}

function nameOf(pair: string): string {
  const equals = pair.indexOf('=')
  return equals < 0 ? '' : pair.slice(0, equals).trimEnd()
}

function valueOf(pair: string): string {
  const value = pair.slice(pair.indexOf('=') + 1).trimStart()
  return value.length > 1 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value
}

function isThere(text: string): boolean {
  return text !== ''
}

function bytes(value: string): Buffer {
  return Buffer.from(value, 'latin1')
}
