// What the format promises and this version does not do yet. It is refused by name, so that nobody believes that a
// timeout, a certificate or a health check is in force when it is not.

/** Patterns of keys: `*` is one name, `[]` one element. */
const LATER_KEYS = new Set([
  'listeners[].tls',
  'listeners[].protocols',
  'listeners[].proxyProtocol',
  'listeners[].earlyData',
  'admin.tls',
  'upstreams.*.tls',
  'routes[].match.grpc',
  'routes[].match.cookies',
  'routes[].timeouts',
  'routes[].retries',
  'routes[].sticky',
])

const LATER_VALUES: Readonly<Record<string, readonly string[]>> = {
  'upstreams.*.transport': ['h2'],
}

const LATER_PLUGINS = new Set([
  'oidc',
  'compress',
  'cache',
  'coalesce',
  'mirror',
  'csrf',
  'waf',
  'early-data',
  'idempotency',
])

/** `key` as a pattern: indexes become [], names below `upstreams` become *. */
function pattern(key: string): string {
  return key.replaceAll(/\[\d+\]/g, '[]').replace(/^upstreams\.[^.[]+/, 'upstreams.*')
}

export function isLaterKey(key: string): boolean {
  return LATER_KEYS.has(pattern(key))
}

export function isLaterValue(key: string, value: unknown): boolean {
  if (pattern(key) === 'workers') return value === 'auto' || (typeof value === 'number' && value > 1)
  return LATER_VALUES[pattern(key)]?.includes(value as string) ?? false
}

export function isLaterPlugin(name: string): boolean {
  return LATER_PLUGINS.has(name)
}

export const LATER = 'not supported yet by this version'
