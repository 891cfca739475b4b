// Spans in the words of OpenTelemetry's semantic conventions for HTTP, and a few of our own under `sluice.`.
// Queries are left out: they hold secrets.
import { now } from '../base/clock.ts'
import { passableTracestate, spanIdOf, traceIdOf } from '../base/trace-context.ts'
import type { Exchange } from '../contract/exchange.ts'
import type { RequestSpans, TrySpan, WaitSpan } from '../contract/request-spans.ts'
import type { Span, SpanAttributes } from '../telemetry/span.ts'

/** Longer values are cut: what waits to be exported is bounded by bytes too. */
const LONGEST = 1024
/** Others are told apart by an attribute only: names of spans must be few. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])

type Common = Pick<Span, 'traceId' | 'parentId' | 'parentIsRemote' | 'tracestate' | 'link'>

/** The request first, then what happened within it. */
export function spansOf(x: Exchange, { tries, waits, plugin }: RequestSpans): Span[] {
  const end = now()
  const { traceId, spanId } = x
  const within: Common = { traceId, parentId: spanId, parentIsRemote: false, tracestate: '', link: null }
  const spans = [requestSpan(x, plugin, end)]
  const url = tries.length === 0 ? '' : shownPath(x, x.upstreamTarget)
  for (const each of tries) spans.push(trySpan(x, each, url, within, end))
  for (const each of waits) spans.push(waitSpan(each, within, end))
  return spans
}

function requestSpan(x: Exchange, plugin: string, end: number): Span {
  const { trace, route, failure } = x
  const status = x.headSent ? x.status : 0
  const { client } = trace
  const attributes = methodOf(x)
  attributes['url.path'] = shownPath(x, x.path)
  attributes['url.scheme'] = x.scheme
  attributes['server.address'] = short(x.host)
  const port = /:(\d{1,5})$/.exec(x.authority)
  if (port !== null) attributes['server.port'] = Number(port[1])
  attributes['client.address'] = x.clientIp
  if (x.peerIp !== x.clientIp) attributes['network.peer.address'] = x.peerIp
  attributes['network.protocol.version'] = x.minorVersion === 1 ? '1.1' : '1.0'
  const agent = shownHeader(x, 'user-agent')
  if (agent !== '') attributes['user_agent.original'] = agent
  if (status !== 0) attributes['http.response.status_code'] = status
  if (route!.pattern !== '') attributes['http.route'] = route!.pattern
  if (route!.name !== '') attributes['sluice.route'] = route!.name
  if (x.upstreamName !== '') attributes['sluice.upstream'] = x.upstreamName
  if (plugin !== '') attributes['sluice.plugin'] = plugin
  attributes['sluice.request_id'] = x.requestId
  const failed = status >= 500 || (failure !== null && failure.kind.source !== 'client')
  const type = failure !== null ? failure.kind.code : failed ? String(status) : ''
  if (type !== '') attributes['error.type'] = type
  return {
    name: spanName(attributes, route!.pattern),
    kind: 'server',
    traceId: x.traceId,
    spanId: x.spanId,
    parentId: trace.parentId,
    parentIsRemote: true,
    tracestate: trace.continues ? passableTracestate(x.headers.join('tracestate')) : '',
    link: client === '' || trace.continues ? null : { traceId: traceIdOf(client), spanId: spanIdOf(client) },
    start: x.startedAt,
    end,
    attributes,
    failed,
  }
}

function trySpan(x: Exchange, each: TrySpan, path: string, within: Common, end: number): Span {
  const attributes = methodOf(x)
  const { host, port } = addressOf(each.url)
  attributes['url.full'] = each.url + path
  attributes['server.address'] = host
  attributes['server.port'] = port
  attributes['network.protocol.version'] = '1.1'
  if (each.resends > 0) attributes['http.request.resend_count'] = each.resends
  if (each.resends < 0) attributes['sluice.hedge'] = true
  if (each.status !== 0) attributes['http.response.status_code'] = each.status
  const type = each.error !== '' ? each.error : each.status >= 400 ? String(each.status) : ''
  if (type !== '') attributes['error.type'] = type
  else if (each.status === 0) attributes['sluice.abandoned'] = true
  attributes['sluice.upstream'] = each.upstream
  return {
    ...within,
    name: spanName(attributes, ''),
    kind: 'client',
    spanId: each.id,
    start: each.start,
    end: each.end === 0 ? end : each.end,
    attributes,
    failed: type !== '',
  }
}

interface Address {
  readonly host: string
  readonly port: number
}

/** Endpoints are few, and reading a URL costs more than the rest of a span. */
const addresses = new Map<string, Address>()
const MOST_ADDRESSES = 1024

function addressOf(origin: string): Address {
  let address = addresses.get(origin)
  if (address === undefined) {
    const { hostname, port, protocol } = new URL(origin)
    address = { host: hostname, port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port) }
    if (addresses.size === MOST_ADDRESSES) addresses.clear()
    addresses.set(origin, address)
  }
  return address
}

function waitSpan({ id, plugin, start, end, error }: WaitSpan, within: Common, latest: number): Span {
  const attributes: SpanAttributes = { 'sluice.plugin': plugin }
  if (error !== '') attributes['error.type'] = error
  return {
    ...within,
    name: `plugin ${plugin}`,
    kind: 'internal',
    spanId: id,
    start,
    end: end === 0 ? latest : end,
    attributes,
    failed: error !== '',
  }
}

function methodOf({ method }: Exchange): SpanAttributes {
  if (METHODS.has(method)) return { 'http.request.method': method }
  return { 'http.request.method': '_OTHER', 'http.request.method_original': short(method) }
}

function spanName(attributes: SpanAttributes, pattern: string): string {
  const method = attributes['http.request.method'] as string
  const name = method === '_OTHER' ? 'HTTP' : method
  return pattern === '' ? name : `${name} ${pattern}`
}

function shownPath({ logMask }: Exchange, target: string): string {
  const question = target.indexOf('?')
  const path = question < 0 ? target : target.slice(0, question)
  return short(logMask === null ? path : logMask.text(path))
}

function shownHeader({ headers, logMask }: Exchange, name: string): string {
  const value = headers.find(name)
  if (value === '' || logMask === null) return short(value)
  return short(logMask.headers.has(name) ? logMask.replacement : logMask.text(value))
}

/** A copy: a part of a text would keep all of it in memory. */
function short(text: string): string {
  return text.length <= LONGEST ? text : Buffer.from(text.slice(0, LONGEST), 'latin1').toString('latin1')
}
