// What may be asked for in DNS, and who may be asked.
import { isIP, isIPv4, isIPv6 } from 'node:net'

/** Letters, digits, `-` and `_`; at most 63 in a label and 253 in all; one dot at the end is fine. */
export function isDomainName(text: string): boolean {
  return text.length <= 254 && /^(?=.{1,253}\.?$)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?$/i.test(text)
}

export interface NameServer {
  readonly host: string
  readonly port: number
}

/** `10.0.0.53`, `10.0.0.53:5353`, `::1` or `[::1]:5353`; null for anything else. */
export function parseNameServer(text: string): NameServer | null {
  if (isIP(text) !== 0) return { host: text, port: 53 }
  const [, bracketed = '', bare = '', digits = '53'] = /^(?:\[(.+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text) ?? []
  const port = Number(digits)
  if ((!isIPv6(bracketed) && !isIPv4(bare)) || port === 0 || port > 65_535) return null
  return { host: bracketed || bare, port }
}
