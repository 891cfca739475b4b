// The last column of docs/errors.md: what whoever meets an error can do about it.
import type { ERRORS } from '../src/base/errors.ts'

export const ADVICE: Readonly<Record<keyof typeof ERRORS, string>> = {
  badFraming:
    'Client: send one Content-Length of digits, or one `Transfer-Encoding: chunked`, never both. If it is not your client, someone may be trying to smuggle requests.',
  badMethod: 'Client: use a method made of token characters, such as `GET`.',
  badHost: 'Client: send exactly one Host header with a name or address and an optional port.',
  badHeader: 'Client: header names are tokens, and values have no control characters.',
  badTarget:
    'Client: start the target with `/`, escape spaces and bytes beyond ASCII with `%`, and leave out the fragment.',
  badPath:
    'Client: mend the escapes in the path. If the path is meant so, relax `canonicalPath` of the listener where it can be relaxed.',
  notImplemented: 'Client: `CONNECT` and `TRACE` are not served; use another method.',
  badRequest: 'Client: what was sent is not HTTP/1.1. Look for TLS sent to a plain port, or a message cut short.',
  headTooLarge: 'Client: send fewer or smaller headers and cookies; the whole head has at most 16 KiB.',
  requestTimeout: 'Client: send the whole head within ten seconds of connecting.',
  expectation: 'Client: the only expectation is `Expect: 100-continue`; leave out any other.',
  routeNotFound: 'Ask `sluice explain` with the method and URL: it names every candidate and why it lost.',
  methodNotAllowed: 'Client: use a method that the `Allow` header names. Operator: add the method to the route.',
  bodyTooLarge: 'Client: send less. Operator: raise `max` of the body-limit plugin for that path.',
  ipDenied:
    'Operator: check the lists of the ip-restrict plugin, and `trustedProxies` if the address is that of a proxy.',
  badBody: 'Client: the detail says what is wrong with the body. Operator: a plugin of the route reads it.',
  unusableReply:
    'Operator: a plugin of the route cannot read the body of the reply, because of its size or coding; the log line names it.',
  unauthorized: 'Client: send valid credentials; `WWW-Authenticate` says of which kind.',
  forbidden: 'Operator: the rules of the acl plugin, or of what asked for scopes, do not let this consumer pass.',
  authUnavailable: 'Operator: what the credentials are checked with cannot be reached; the log says what.',
  rateLimited: 'Client: wait as long as `Retry-After` says. Operator: the rate-limit plugin of the route.',
  concurrencyLimited: 'Client: send fewer requests at once. Operator: the concurrency-limit plugin of the route.',
  limitUnavailable: 'Operator: Redis cannot be reached, and the limit says `onError: closed`.',
  pluginFailed: 'Operator: the log line of the request id names the plugin and shows its stack; mend the plugin.',
  pluginTimeout: 'Operator: the log line of the request id names the plugin; find what it waits for.',
  upstreamConnect:
    'Operator: is the upstream running, and does its address resolve? The log line has the reason of the system.',
  upstreamConnectTimeout:
    'Operator: the address does not answer: a firewall, a full accept queue, or `timeouts.connect` too short.',
  upstreamReset:
    'Operator: the upstream crashed, or closes idle connections sooner than the gateway: make `connections.keepAlive` shorter than its own limit.',
  upstreamProtocol: 'Operator: the upstream does not speak HTTP/1.1 on that port; the log line has the detail.',
  upstreamHeadTooLarge: 'Operator: make the reply head of the upstream smaller, or raise `maxHeadSize`.',
  upstreamTruncated:
    'Operator: the upstream ended before the length that it announced. If the reply had begun, the connection of the client was cut.',
  upstreamResponseTimeout: 'Operator: the upstream is too slow, or `timeouts.response` is too short for this work.',
  upstreamIdleTimeout: 'Operator: no byte came for `timeouts.idle`; raise it for streams with long pauses.',
  totalTimeout: 'Operator: the whole exchange took longer than `timeouts.total`; raise it or leave it out.',
  upstreamOverloaded:
    'Client: try again after `Retry-After`. Operator: the upstream is too slow for its load; add endpoints, or raise `connections.max` and `connections.queue`.',
  noEndpoint:
    'Operator: give the upstream an endpoint with a weight above 0; if its endpoints are discovered, ask why none was found.',
  circuitOpen:
    'Client: wait as long as `Retry-After` says. Operator: the breaker of the upstream is open, or its limits are reached; the admin API shows which.',
  clientGone: 'Nothing: the client closed its connection before the reply ended. Many of these point at slow replies.',
  clientStalled:
    'Client: no byte moved for `timeouts.idle`; send or read faster. Operator: raise it for slow networks.',
  internal: 'Report it with the log line of the request id: this is a mistake in the gateway.',
}
