// Texts with a meaning of their own: addresses, patterns, expressions. Each check says what is wrong, or ''.
import { isIP, isIPv6 } from 'node:net'
import { RE2JS } from 're2js'
import { isDomainName, parseNameServer } from '../base/dns-names.ts'
import { MAX_PARAMETERS, parsePathPattern } from '../base/path-pattern.ts'

/** Keyword of a schema that names one of the formats below. */
export const FORMAT_KEYWORD = 'x-format'

export const FORMATS: Readonly<Record<string, (text: string) => string>> = {
  bind: bindProblem,
  origin: originProblem,
  'http-url': urlProblem,
  'domain-name': (text) => (isDomainName(text) ? '' : `"${text}" is not a domain name such as api.example.com`),
  'name-server': (text) =>
    parseNameServer(text) === null ? `"${text}" is not an address such as 10.0.0.2, 10.0.0.2:53 or [::1]:53` : '',
  regex: regexProblem,
  cidr: cidrProblem,
  'host-pattern': hostPatternProblem,
  'path-pattern': pathPatternProblem,
  'etcd-prefix': etcdPrefixProblem,
  'instance-name': instanceProblem,
}

export function pathPatternProblem(text: string): string {
  const pattern = parsePathPattern(text)
  if (typeof pattern === 'string') return pattern
  if (pattern.names.length > MAX_PARAMETERS) return `"${text}" has more than ${MAX_PARAMETERS} parameters`
  return ''
}

function bindProblem(text: string): string {
  const expected = 'expected host:port, [::]:port or unix:/path'
  if (text.startsWith('unix:')) return text.startsWith('unix:/') ? '' : `"${text}" needs an absolute path; ${expected}`
  const colon = text.lastIndexOf(':')
  if (colon <= 0)
    return `"${text}" has no ${/^\d+$/.test(text) ? 'host; did you mean "0.0.0.0:' + text + '"?' : 'port'}; ${expected}`
  const host = text.slice(0, colon)
  const port = text.slice(colon + 1)
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535)
    return `port "${port}" is not a number from 0 to 65535; ${expected}`
  if (host.startsWith('['))
    return host.endsWith(']') && isIPv6(host.slice(1, -1)) ? '' : `"${host}" is not an IPv6 address`
  if (host.includes(':')) return `IPv6 addresses need brackets: [${host}]:${port}`
  if (isIP(host) === 0 && host !== 'localhost') return `"${host}" is not an IP address or localhost; ${expected}`
  return ''
}

function originProblem(text: string): string {
  const example = 'expected http://host:port or https://host:port'
  if (!/^https?:\/\//i.test(text)) return `"${text}" is not an origin; ${example}`
  let url: URL
  try {
    url = new URL(text)
  } catch {
    return `"${text}" is not a URL; ${example}`
  }
  if (url.username !== '' || url.password !== '')
    return `"${text}" has credentials, which belong into a header; ${example}`
  if (url.pathname !== '/' || text.endsWith('/')) return `"${text}" has a path, which belongs into rewrite; ${example}`
  if (url.search !== '' || url.hash !== '') return `"${text}" has a query or fragment; ${example}`
  return ''
}

function urlProblem(text: string): string {
  const example = 'expected http://host:port/path or https://host:port/path'
  let url: URL
  try {
    url = new URL(text)
  } catch {
    return `"${text}" is not a URL; ${example}`
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return `"${text}" is not an HTTP URL; ${example}`
  if (url.username !== '' || url.password !== '') return 'the URL has credentials, which belong into a header'
  if (url.hash !== '') return `"${text}" has a fragment, which is never sent; ${example}`
  return ''
}

function regexProblem(text: string): string {
  try {
    RE2JS.compile(text)
    return ''
  } catch (error) {
    return `"${text}" is not an expression that runs in linear time (RE2 syntax): ${(error as Error).message}`
  }
}

export function cidrProblem(text: string): string {
  const [address = '', prefix, extra] = text.split('/')
  const family = isIP(address)
  if (family === 0) return `"${text}" is not an address or CIDR such as 10.0.0.0/8 or 2001:db8::/32`
  const bits = family === 4 ? 32 : 128
  if (extra !== undefined) return `"${text}" has two "/"`
  if (prefix !== undefined && (!/^\d{1,3}$/.test(prefix) || Number(prefix) > bits)) {
    return `prefix "/${prefix}" of "${text}" is not a number from 0 to ${bits}`
  }
  return ''
}

function hostPatternProblem(text: string): string {
  if (text.includes('://')) return `"${text}" has a scheme; write the host alone`
  if (/:\d+$/.test(text) && !text.endsWith(']')) return `"${text}" has a port; hosts compare without it`
  if (text.includes('/')) return `"${text}" has a path; that belongs into match.path`
  const labels = text.replace(/\.$/, '').split('.')
  if (labels.slice(1).some((label) => label.includes('*')) || (labels[0]!.includes('*') && labels[0] !== '*')) {
    return `"${text}": "*" can only be the whole first label, as in *.example.com`
  }
  if (labels[0] === '*' && labels.length === 1) return '"*" is any host; leave host out for that'
  if (/^\[[0-9a-f:.]+\]$/i.test(text)) return ''
  if (!/^(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?$/i.test(text))
    return `"${text}" is not a host name such as api.example.com`
  return ''
}

function etcdPrefixProblem(text: string): string {
  const example = 'expected a prefix such as /sluice/edge'
  if (text.length > 256) return `the prefix has more than 256 characters; ${example}`
  if (text.endsWith('/') && text !== '/') return `"${text}" ends with "/"; write "${text.replace(/\/+$/, '')}"`
  return /^(\/[A-Za-z0-9._-]+)+$/.test(text) ? '' : `"${text}" is not made of /NAME parts; ${example}`
}

function instanceProblem(text: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(text)) return ''
  return 'the name needs 1 to 128 letters, digits, ".", "_" or "-", a letter or digit first'
}
