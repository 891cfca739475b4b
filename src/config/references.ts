// What no schema can say: names that must exist, be unique, or fit together. Works on the raw value, which may be
// wrong in any way: what is not there is passed over, since the schema has reported it.
import { isToken } from '../base/headers.ts'
import { parsePathPattern } from '../base/path-pattern.ts'
import { RE2JS } from 're2js'
import { checkControl } from './control-references.ts'
import { isRecord, type Path } from './document.ts'
import type { Report } from './inspect.ts'
import { didYouMean } from './nearest.ts'
import { checkTraces } from './trace-references.ts'
import { parseUnit } from './units.ts'
import { checkRespond, records, type Raw } from './raw.ts'

/** A single entry may have some kilobytes. */
const LEAST_LOG_BYTES = 64 * 1024
/** In metrics and latencies it stands for requests that match no route (telemetry/request-metrics.ts). */
const RESERVED_ROUTE = 'unmatched'
const ACTIONS = ['upstream', 'split', 'respond', 'redirect']
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']
const BUILT_IN_PLACEHOLDERS = ['scheme', 'host', 'port', 'path', 'query']

/**
 * What is not an item of its own: listeners, admin, observability, and that no name is there twice. `hasMoreRoutes`: a shared
 * store may bring further routes.
 */
export function checkGateway(config: Raw, report: Report, hasMoreRoutes: boolean): void {
  checkUnique(config['listeners'], 'listeners', 'name', 'listener', report)
  checkUnique(config['listeners'], 'listeners', 'bind', 'bind', report)
  checkAdmin(config['admin'], report)
  checkControl(config['control'], report)
  checkLogs(config['observability'], report)
  checkTraces(config, report, hasMoreRoutes)
  checkUnique(config['routes'], 'routes', 'name', 'route', report)
}

function checkUnique(list: unknown, key: string, field: string, noun: string, report: Report): void {
  const first = new Map<unknown, number>()
  for (const [i, entry] of records(list)) {
    const value = entry[field]
    if (typeof value !== 'string' || (field === 'bind' && value.endsWith(':0'))) continue
    const before = first.get(value)
    if (before === undefined) first.set(value, i)
    else report([key, i, field], `${noun} "${value}" is here twice; ${key}[${before}] has it already`)
  }
}

function checkAdmin(admin: unknown, report: Report): void {
  const { bind, token } = isRecord(admin) ? admin : {}
  if (typeof bind !== 'string' || bind.startsWith('unix:') || token !== undefined) return
  if (!/^(127(\.\d+){3}|\[::1\]|localhost):\d+$/.test(bind))
    report(['admin', 'bind'], `"${bind}" is not on loopback; that needs a token: "\${SLUICE_ADMIN_TOKEN}"`)
}

function checkLogs(observability: unknown, report: Report): void {
  const logs = isRecord(observability) ? observability['logs'] : undefined
  const bytes = isRecord(logs) ? logs['bytes'] : undefined
  if (typeof bytes !== 'string' || !(parseUnit('size', bytes) < LEAST_LOG_BYTES)) return
  report(['observability', 'logs', 'bytes'], `expected 64KiB at least, saw "${bytes}"`)
}

/** One route by itself: whether the upstreams that it names are there is for the loader to say. */
export function checkRoute(route: Raw, path: Path, report: Report): void {
  if (route['name'] === RESERVED_ROUTE)
    report(
      [...path, 'name'],
      `"${RESERVED_ROUTE}" is what metrics call requests that match no route; choose another name`,
    )
  const actions = ACTIONS.filter((action) => Object.hasOwn(route, action))
  if (actions.length === 0) report(path, `the route does nothing; give it one of ${ACTIONS.join(', ')}`)
  for (const action of actions.slice(1))
    report(
      [...path, action],
      `the route has ${actions[0]} already; only one of ${ACTIONS.join(', ')} can be there`,
      true,
    )
  const shares = records(route['split'])
  if (shares.length > 0 && shares.every(([, { weight }]) => weight === 0)) {
    report([...path, 'split'], 'every share has weight 0, so that no upstream could ever be chosen')
  }
  const match = isRecord(route['match']) ? route['match'] : {}
  checkMatch(match, [...path, 'match'], report)
  const parameters = parameterNames(match)
  checkRewrite(route, path, match, parameters, report)
  if (isRecord(route['redirect'])) {
    const to = route['redirect']['to']
    checkTemplate(to, [...path, 'redirect', 'to'], [...parameters, ...BUILT_IN_PLACEHOLDERS], report)
    if (typeof to === 'string' && !/^(\/|https?:\/\/|\{scheme\}:\/\/|\{path\})/.test(to)) {
      report(
        [...path, 'redirect', 'to'],
        `"${to}" is neither a path ("/...") nor absolute ("https://..." or "{scheme}://...")`,
      )
    }
  }
  if (isRecord(route['respond'])) checkRespond(route['respond'], [...path, 'respond'], report)
}

function checkMatch(match: Raw, path: Path, report: Report): void {
  if (Object.hasOwn(match, 'path') && Object.hasOwn(match, 'pathRegex')) {
    report([...path, 'pathRegex'], 'the match has path already; use one of path and pathRegex', true)
  }
  const methods = Array.isArray(match['method']) ? (match['method'] as unknown[]) : [match['method']]
  for (const [i, method] of methods.entries()) {
    if (typeof method !== 'string') continue
    const at = Array.isArray(match['method']) ? [...path, 'method', i] : [...path, 'method']
    if (!isToken(method)) report(at, `"${method}" is not a method`)
    else if (method !== method.toUpperCase())
      report(at, `"${method}" is not upper case; did you mean "${method.toUpperCase()}"?`)
    else if (!METHODS.includes(method)) {
      const near = didYouMean(method, METHODS)
      if (near !== '') report(at, `"${method}" is an unusual method${near}`)
    }
  }
  for (const name of Object.keys(isRecord(match['headers']) ? match['headers'] : {})) {
    if (!isToken(name)) report([...path, 'headers', name], `"${name}" is not a header name`, true)
  }
}

function parameterNames(match: Raw): string[] {
  if (typeof match['pathRegex'] === 'string') {
    try {
      return Object.keys(RE2JS.compile(match['pathRegex']).namedGroups())
    } catch {
      return []
    }
  }
  const pattern = typeof match['path'] === 'string' ? parsePathPattern(match['path']) : ''
  return typeof pattern === 'string' ? [] : pattern.names.filter((name) => name !== '')
}

function checkRewrite(route: Raw, path: Path, match: Raw, parameters: readonly string[], report: Report): void {
  const { rewrite } = route
  if (!isRecord(rewrite)) return
  const at = [...path, 'rewrite']
  if (!Object.hasOwn(route, 'upstream') && !Object.hasOwn(route, 'split')) {
    report(at, 'rewrite changes what an upstream gets, but this route has none', true)
  }
  if (Object.hasOwn(rewrite, 'path') && Object.hasOwn(rewrite, 'stripPrefix')) {
    report([...at, 'stripPrefix'], 'rewrite has path already; use one of path and stripPrefix', true)
  }
  checkTemplate(rewrite['path'], [...at, 'path'], parameters, report)
  if (typeof rewrite['path'] === 'string' && !/^[/{]/.test(rewrite['path']))
    report([...at, 'path'], `"${rewrite['path']}" must begin with "/"`)
  if (typeof rewrite['host'] === 'string' && !/^[A-Za-z0-9.:[\]_-]+$/.test(rewrite['host'])) {
    report([...at, 'host'], `"${rewrite['host']}" is not a host`)
  }
  const prefix = rewrite['stripPrefix']
  if (typeof prefix !== 'string') return
  const pattern = match['path']
  if (!prefix.startsWith('/')) report([...at, 'stripPrefix'], `"${prefix}" must begin with "/"`)
  else if (typeof pattern === 'string') {
    const bare = prefix.replace(/\/$/, '')
    if (!pattern.startsWith(`${bare}/`) && pattern !== bare) {
      report(
        [...at, 'stripPrefix'],
        `no path of "${pattern}" begins with "${prefix}", so that nothing would be removed`,
      )
    }
  }
}

function checkTemplate(template: unknown, path: Path, known: readonly string[], report: Report): void {
  if (typeof template !== 'string') return
  if (/[^\x21-\x7e]/.test(template)) report(path, `"${template}" has characters that must be escaped`)
  for (const [, name = ''] of template.matchAll(/\{([^{}]*)\}/g)) {
    if (known.includes(name)) continue
    report(
      path,
      `{${name}} is no parameter here${didYouMean(name, known) || (known.length === 0 ? '; the path has none' : `; known: ${known.join(', ')}`)}`,
    )
  }
}
