// What no schema can say of traces: routes that must exist, rules that could never decide, fields that cannot be sent.
import { isFieldValue, isToken } from '../base/headers.ts'
import { isRecord, type Path } from './document.ts'
import type { Report } from './inspect.ts'
import { didYouMean } from './nearest.ts'
import { records, type Raw } from './raw.ts'
import { parseUnit } from './units.ts'

const TRACES: Path = ['observability', 'traces']
/** The exporter writes them itself. */
const RESERVED = ['content-type', 'content-length', 'content-encoding', 'transfer-encoding', 'connection', 'host']

/** With a shared store routes come and go: a rule may name one that is not there. */
export function checkTraces({ observability, routes }: Raw, report: Report, hasMoreRoutes: boolean): void {
  const traces = isRecord(observability) ? observability['traces'] : undefined
  if (!isRecord(traces)) return
  const names = hasMoreRoutes
    ? null
    : records(routes).flatMap(([, { name }]) => (typeof name === 'string' ? [name] : []))
  checkOtlp(traces['otlp'], report)
  checkShare(traces['ratio'], [...TRACES, 'ratio'], report)
  if (typeof traces['slow'] === 'string' && parseUnit('duration', traces['slow']) === 0)
    report([...TRACES, 'slow'], 'every request takes as long; take ratio: 100% for that')
  let last = -1
  for (const [i, rule] of records(traces['rules'])) {
    const path = [...TRACES, 'rules', i]
    checkRule(rule, path, names, report)
    if (last >= 0) report(path, `the rule is never asked: rules[${last}] has no condition, and holds for every request`)
    else if (isUnconditional(rule)) last = i
  }
}

function checkOtlp(otlp: unknown, report: Report): void {
  if (!isRecord(otlp)) return
  const path = [...TRACES, 'otlp']
  if (typeof otlp['timeout'] === 'string' && parseUnit('duration', otlp['timeout']) < 100)
    report([...path, 'timeout'], 'a batch needs some time; take at least 100ms')
  for (const [name, value] of Object.entries(isRecord(otlp['headers']) ? otlp['headers'] : {})) {
    const at = [...path, 'headers', name]
    if (!isToken(name)) report(at, `"${name}" is not a header name`, true)
    else if (RESERVED.includes(name.toLowerCase())) report(at, `the gateway writes ${name} itself`, true)
    else if (typeof value === 'string' && !isFieldValue(value))
      report(at, `the value of ${name} has characters that HTTP forbids`)
  }
}

function checkRule(rule: Raw, path: Path, routes: readonly string[] | null, report: Report): void {
  const { route, header, baggage, share } = rule
  if (routes !== null && typeof route === 'string' && !routes.includes(route)) {
    const known = routes.length === 0 ? '' : `; known: ${routes.join(', ')}`
    report([...path, 'route'], `there is no route "${route}"${didYouMean(route, routes) || known}`)
  }
  for (const [key, conditions] of Object.entries({ header, baggage })) {
    for (const name of Object.keys(isRecord(conditions) ? conditions : {})) {
      if (isToken(name)) continue
      report([...path, key, name], `"${name}" is not a ${key === 'header' ? 'header name' : 'name of baggage'}`, true)
    }
  }
  checkShare(share, [...path, 'share'], report)
}

function checkShare(share: unknown, path: Path, report: Report): void {
  if (typeof share === 'string' && parseUnit('share', share) > 1) report(path, `${share} is more than all of it`)
}

function isUnconditional({ route, header, baggage }: Raw): boolean {
  const isEmpty = (value: unknown): boolean =>
    value === undefined || (isRecord(value) && Object.keys(value).length === 0)
  return route === undefined && isEmpty(header) && isEmpty(baggage)
}
