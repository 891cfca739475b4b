// What no schema can say of upstreams: what fits together, what must exist, and what would never do anything.
import { isToken } from '../base/headers.ts'
import { isRecord, type Path } from './document.ts'
import type { Report } from './inspect.ts'
import { checkRespond, records, type Raw } from './raw.ts'
import { parseUnit } from './units.ts'

/** One upstream by itself: whether the upstream of its fallback is there is for the loader to say. */
export function checkUpstream(name: string, upstream: Raw, path: Path, report: Report): void {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name))
    report(path, `upstream name "${name}" may have letters, digits, ".", "_" and "-"`, true)
  checkEndpoints(upstream, path, report)
  checkBalance(upstream, path, report)
  checkShares(upstream, path, report)
  checkFailures(upstream, path, report)
  const { fallback } = upstream
  if (isRecord(fallback) && isRecord(fallback['respond']))
    checkRespond(fallback['respond'], [...path, 'fallback', 'respond'], report)
}

function checkEndpoints(upstream: Raw, path: Path, report: Report): void {
  const { discovery, transport, pipelining } = upstream
  const listed = Object.hasOwn(upstream, 'endpoints')
  if (!listed && discovery === undefined)
    report(path, 'the upstream has neither endpoints nor discovery, so that nothing could be sent to it')
  if (listed && discovery !== undefined)
    report([...path, 'discovery'], 'the upstream has endpoints already; use one of endpoints and discovery', true)
  const endpoints = records(upstream['endpoints'])
  const first = new Map<unknown, number>()
  for (const [i, { url }] of endpoints) {
    const before = typeof url === 'string' ? first.get(url) : undefined
    const at = [...path, 'endpoints', i, 'url']
    if (before === undefined) first.set(url, i)
    else report(at, `endpoint "${String(url)}" is here twice; give one of them more weight instead`)
    if (transport === 'wire' && typeof url === 'string' && /^https:/i.test(url))
      report(at, `endpoint "${url}" needs TLS, which transport wire does not speak; take auto or undici`)
  }
  if (typeof pipelining === 'number' && pipelining > 1 && transport === 'undici') {
    report([...path, 'pipelining'], 'transport undici does not pipeline; take wire or auto', true)
  }
  if (endpoints.length > 0 && endpoints.every(([, { weight }]) => weight === 0)) {
    report([...path, 'endpoints'], 'every endpoint has weight 0, so that none could ever be chosen')
  }
  if (isRecord(discovery)) checkDiscovery(discovery, transport, [...path, 'discovery'], report)
}

function checkDiscovery(discovery: Raw, transport: unknown, path: Path, report: Report): void {
  const { dns } = discovery
  if (!isRecord(dns)) return
  const at = [...path, 'dns']
  const { type = 'A', port, scheme, minimumTtl = '1s', maximumTtl = '5m' } = dns
  if (type === 'SRV' && port !== undefined)
    report([...at, 'port'], 'SRV records have ports of their own; leave port out', true)
  if (type !== 'SRV' && port === undefined)
    report(at, `records of type ${String(type)} have no port; give one, or use type SRV`)
  if (scheme === 'https' && transport === 'wire')
    report([...at, 'scheme'], 'https needs TLS, which transport wire does not speak; take auto or undici')
  for (const key of ['minimumTtl', 'maximumTtl'])
    if (lengthOf(dns[key]) === 0) report([...at, key], 'a name would be asked for without end; take at least 1s')
  if (lengthOf(minimumTtl) > lengthOf(maximumTtl))
    report([...at, 'minimumTtl'], `${String(minimumTtl)} is more than maximumTtl, ${String(maximumTtl)}`)
}

const HASH_KEY =
  /^(client-ip|header:[!#$%&'*+.^_`|~0-9A-Za-z-]+|cookie:[!#$%&'*+.^_`|~0-9A-Za-z-]+|param:[A-Za-z_]\w*)$/

function checkBalance(upstream: Raw, path: Path, report: Report): void {
  const { balance, hash, sticky, timeouts } = upstream
  if (isRecord(hash)) {
    if (balance !== 'consistent-hash') report([...path, 'hash'], 'only balance: consistent-hash looks at it', true)
    const { key, bound } = hash
    if (typeof key === 'string' && !HASH_KEY.test(key))
      report([...path, 'hash', 'key'], `"${key}" is none of client-ip, header:NAME, cookie:NAME or param:NAME`)
    if (typeof bound === 'number' && bound > 0 && bound < 1)
      report([...path, 'hash', 'bound'], `a bound of ${bound} leaves no endpoint its share; take 0 or at least 1`)
  }
  if (isRecord(sticky)) {
    const { cookie, path: cookiePath, sameSite, secure, maxAge } = sticky
    if (typeof cookie === 'string' && !isToken(cookie))
      report([...path, 'sticky', 'cookie'], `"${cookie}" is not a cookie name`)
    if (typeof cookiePath === 'string' && !/^\/[\x20-\x3a\x3c-\x7e]*$/.test(cookiePath))
      report([...path, 'sticky', 'path'], `"${cookiePath}" is not the path of a cookie`)
    if (lengthOf(maxAge) < 1000)
      report([...path, 'sticky', 'maxAge'], 'cookies live for whole seconds; take at least 1s, or leave it out')
    if (sameSite === 'None' && secure !== true)
      report([...path, 'sticky', 'sameSite'], 'browsers drop cookies with SameSite=None that are not secure: true')
  }
  if (!isRecord(timeouts) || typeof timeouts['header'] !== 'string') return
  const at = [...path, 'timeouts', 'header']
  if (!isToken(timeouts['header'])) report(at, `"${timeouts['header']}" is not a header name`)
  else if (timeouts['total'] === undefined) report(at, 'there is nothing to tell without timeouts.total', true)
}

/** Where a share above 100% makes no sense. */
const PARTS = [
  ['spillOver'],
  ['panic'],
  ['health', 'jitter'],
  ['outlier', 'maxEjected'],
  ['breaker', 'failures'],
  ['hedge', 'budget'],
] as const

function checkShares(upstream: Raw, path: Path, report: Report): void {
  for (const keys of PARTS) {
    const value = keys.reduce<unknown>((at, key) => (isRecord(at) ? at[key] : undefined), upstream)
    if (shareOf(value) > 1) report([...path, ...keys], `${String(value)} is more than all of it`)
  }
  if (shareOf(upstream['spillOver']) === 0) report([...path, 'spillOver'], '0% is no bound; take at least 1%')
  const { loadAware } = upstream
  if (!isRecord(loadAware)) return
  const floor = shareOf(loadAware['floor'])
  if (floor === 0 || floor > 1) report([...path, 'loadAware', 'floor'], 'the floor is above 0% and at most 100%')
  if (shareOf(loadAware['ceiling']) < 1) report([...path, 'loadAware', 'ceiling'], 'the ceiling is at least 100%')
}

/** NaN for what is no share. */
function shareOf(value: unknown): number {
  return typeof value === 'string' ? parseUnit('share', value) : NaN
}

function checkFailures(upstream: Raw, path: Path, report: Report): void {
  const { retries, health, outlier, hedge } = upstream
  if (isRecord(retries)) {
    const methods = Array.isArray(retries['methods']) ? (retries['methods'] as unknown[]) : []
    for (const [i, method] of methods.entries()) {
      if (typeof method === 'string' && (!isToken(method) || method !== method.toUpperCase()))
        report([...path, 'retries', 'methods', i], `"${method}" is not a method such as GET`)
    }
  }
  if (isRecord(health)) checkHealth(health, [...path, 'health'], report)
  if (isRecord(outlier) && lengthOf(outlier['interval']) === 0)
    report([...path, 'outlier', 'interval'], 'comparisons need some time between them')
  if (isRecord(hedge) && lengthOf(hedge['after']) === 0)
    report([...path, 'hedge', 'after'], 'a second request for each; take at least 1ms, or p95')
}

function checkHealth(health: Raw, path: Path, report: Report): void {
  const { path: asked, host } = health
  for (const key of ['status', 'host']) {
    if (asked === undefined && health[key] !== undefined)
      report([...path, key], 'without path a check only connects: there is no reply to look at', true)
  }
  if (typeof asked === 'string' && asked.startsWith('/') && !/^[!"$-~]*$/.test(asked))
    report(
      [...path, 'path'],
      `${JSON.stringify(asked)} cannot be asked for; encode what is not a visible ASCII character`,
    )
  // RFC 3986, section 3.2.2, and a port.
  if (typeof host === 'string' && !/^[A-Za-z0-9._~!$&'()*+,;=%:[\]-]+$/.test(host))
    report([...path, 'host'], `${JSON.stringify(host)} is not a host such as api.example.com`)
  if (lengthOf(health['timeout']) === 0) report([...path, 'timeout'], 'a check needs some time')
  if (lengthOf(health['interval']) === 0) report([...path, 'interval'], 'checks need some time between them')
}

/** ms; NaN for what is no duration. */
function lengthOf(value: unknown): number {
  return typeof value === 'string' ? parseUnit('duration', value) : NaN
}
