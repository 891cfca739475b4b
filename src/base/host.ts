// The Host field (RFC 9110 section 7.2, RFC 3986 section 3.2.2): a name, an IPv4 address or an IPv6 literal, with a port.

const REG_NAME = /^[A-Za-z0-9\-._~!$&'()*+,;=%]*$/
const IP_LITERAL = /^\[[0-9A-Fa-f:.]+\]$/
const PORT = /^[0-9]{0,5}$/

/** Requests name few hosts again and again. Emptied when full: whoever invents hosts costs us no memory. */
const known = new Map<string, string | null>()
const MOST_KNOWN = 1024
/** The last one asked for: comparing is cheaper than hashing. */
let lastAuthority = ''
let lastHost: string | null = ''

/** Lower case, without port and trailing dot: how hosts compare. null when it is malformed. */
export function normalizeHost(authority: string): string | null {
  if (authority === lastAuthority) return lastHost
  let host = known.get(authority)
  if (host === undefined) {
    host = normalize(authority)
    if (known.size === MOST_KNOWN) known.clear()
    known.set(authority, host)
  }
  lastAuthority = authority
  lastHost = host
  return host
}

function normalize(authority: string): string | null {
  let host = authority
  const bracket = authority.lastIndexOf(']')
  const colon = authority.indexOf(':', bracket + 1)
  if (colon >= 0) {
    if (!PORT.test(authority.slice(colon + 1)) || Number(authority.slice(colon + 1)) > 65_535) return null
    host = authority.slice(0, colon)
    if (host === '') return null
  }
  if (!(bracket < 0 ? REG_NAME : IP_LITERAL).test(host)) return null
  if (host.endsWith('.')) host = host.slice(0, -1)
  return host.toLowerCase()
}

/** The port of a Host field, or '' without one. */
export function portOf(authority: string): string {
  const colon = authority.indexOf(':', authority.lastIndexOf(']') + 1)
  return colon < 0 ? '' : authority.slice(colon + 1)
}
