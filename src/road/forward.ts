// The head that the upstream gets: the client's, without what concerns only the client's connection, with the fields
// that say where the request came from (RFC 9110 section 7.6, RFC 7239).
import { now } from '../base/clock.ts'
import type { HeaderList } from '../base/headers.ts'
import { isPassableBaggage, passableTracestate } from '../base/trace-context.ts'
import { isHopByHop } from '../base/hop-by-hop.ts'
import type { Exchange } from '../contract/exchange.ts'
import { OWN } from '../contract/trace.ts'

export function writeUpstreamHead(x: Exchange): void {
  const route = x.route!
  x.upstreamTarget = route.rewritePath === null ? x.path + x.search : route.rewritePath(x)
  const trusted = x.snapshot!.trustedProxies
  const believed = trusted !== null && trusted.trusts(x.peerIp)
  const out = x.upstreamHeaders
  out.clear()
  out.push('host', route.rewriteHost === '' ? x.authority : route.rewriteHost)
  const { headers, body } = x
  const { flat } = headers
  const ownTrace = x.trace.state === OWN
  for (let i = 0; i < headers.length; i += 2) {
    const name = flat[i]!
    if (isReplaced(name) || isHopByHop(name) || (ownTrace && isTraceField(name))) continue
    if (isForwarding(name) && !(believed && isKept(name))) continue
    out.push(name, flat[i + 1]!)
  }
  if (
    body.length > 0 ||
    (body.length === 0 && x.method !== 'GET' && x.method !== 'HEAD' && headers.has('content-length'))
  ) {
    out.push('content-length', String(body.length))
  }
  pushForwarding(x, out, believed)
  if (ownTrace) pushTraceFields(x, out)
  const { header, total } = x.upstream!.timeouts
  // The client's own word about it is not passed on.
  if (header !== '' && total > 0) out.set(header, String(Math.max(1, Math.round(x.startedAt + total - now()))))
}

/** Written anew below. */
function isReplaced(name: string): boolean {
  return name === 'host' || name === 'content-length' || name === 'expect' || name === 'via'
}

function isTraceField(name: string): boolean {
  return name === 'traceparent' || name === 'tracestate'
}

/** Fields by which a client could pretend to be somebody else. */
function isForwarding(name: string): boolean {
  return name === 'forwarded' || name === 'x-real-ip' || name.startsWith('x-forwarded-')
}

/** Of those, what a trusted proxy said and the gateway does not write anew. */
function isKept(name: string): boolean {
  return !(
    name === 'forwarded' ||
    name === 'x-forwarded-for' ||
    name === 'x-forwarded-proto' ||
    name === 'x-forwarded-host'
  )
}

function pushForwarding(x: Exchange, out: HeaderList, believed: boolean): void {
  let before = ''
  let host = ''
  if (believed) {
    before = x.headers.join('x-forwarded-for')
    host = x.headers.join('x-forwarded-host')
    const forwarded = x.headers.join('forwarded')
    if (forwarded !== '') out.push('forwarded', forwarded + ', for=' + node(x.peerIp))
    // A proxy that speaks only RFC 7239 still tells older upstreams who the client is.
    if (before === '' && forwarded !== '') before = x.clientIp
  }
  out.push('x-forwarded-for', before === '' ? x.peerIp : before + ', ' + x.peerIp)
  out.push('x-forwarded-proto', x.scheme)
  out.push('x-forwarded-host', host === '' ? x.authority : host)
  const via = x.headers.join('via')
  const hop = x.minorVersion === 1 ? '1.1 sluice' : '1.0 sluice'
  out.push('via', via === '' ? hop : via + ', ' + hop)
}

/** Beside the traceparent, which the transport writes for each try. */
function pushTraceFields({ trace, headers }: Exchange, out: HeaderList): void {
  if (trace.continues) {
    const state = passableTracestate(headers.join('tracestate'))
    if (state !== '') out.push('tracestate', state)
  }
  if (trace.hasBaggage && !isPassableBaggage(out.join('baggage'))) out.remove('baggage')
}

/** RFC 7239 section 6: IPv6 addresses in brackets and quotes. */
function node(ip: string): string {
  return ip.includes(':') ? '"[' + ip + ']"' : ip
}
