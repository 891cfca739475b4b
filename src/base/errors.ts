// One table of every error that the gateway itself can answer with (RFC 9457 problem details).
// docs/errors.md is kept equal to it by a test.

/** Who caused it: the client, the upstream, or the gateway and its configuration. */
export type ErrorSource = 'client' | 'upstream' | 'self'

export interface ErrorKind {
  readonly code: string
  readonly status: number
  readonly source: ErrorSource
  /** May the gateway try another time, as long as nothing of the request was consumed? */
  readonly retry: boolean
  /** RFC 9457 `title`: the same words for every occurrence. */
  readonly title: string
  /** Must the client's connection be closed after the reply? */
  readonly close: boolean
}

function kind(
  code: string,
  status: number,
  source: ErrorSource,
  title: string,
  traits: { retry?: boolean; close?: boolean } = {},
): ErrorKind {
  return Object.freeze({ code, status, source, title, retry: traits.retry ?? false, close: traits.close ?? false })
}

const CLOSE = { close: true }
const RETRY = { retry: true }

export const ERRORS = Object.freeze({
  badFraming: kind('SLUICE_GUARD_FRAMING', 400, 'client', 'The message framing is ambiguous or malformed', CLOSE),
  badMethod: kind('SLUICE_GUARD_METHOD', 400, 'client', 'The method is not a token', CLOSE),
  badHost: kind('SLUICE_GUARD_HOST', 400, 'client', 'The Host header is missing, repeated or malformed', CLOSE),
  badHeader: kind('SLUICE_GUARD_HEADER', 400, 'client', 'A header field is malformed', CLOSE),
  badTarget: kind('SLUICE_GUARD_TARGET', 400, 'client', 'The request target is malformed', CLOSE),
  badPath: kind('SLUICE_GUARD_PATH', 400, 'client', 'The path cannot be made canonical', CLOSE),
  notImplemented: kind('SLUICE_GUARD_METHOD_UNSUPPORTED', 501, 'client', 'The method is not supported here', CLOSE),
  badRequest: kind('SLUICE_LISTENER_BAD_REQUEST', 400, 'client', 'The request cannot be parsed', CLOSE),
  headTooLarge: kind('SLUICE_LISTENER_HEAD_TOO_LARGE', 431, 'client', 'The request head is too large', CLOSE),
  requestTimeout: kind('SLUICE_LISTENER_TIMEOUT', 408, 'client', 'The request did not arrive in time', CLOSE),
  expectation: kind('SLUICE_GUARD_EXPECTATION', 417, 'client', 'The expectation cannot be met'),
  routeNotFound: kind('SLUICE_ROUTER_NOT_FOUND', 404, 'client', 'No route matches'),
  methodNotAllowed: kind('SLUICE_ROUTER_METHOD_NOT_ALLOWED', 405, 'client', 'The path has no such method'),
  bodyTooLarge: kind('SLUICE_PLUGIN_BODY_TOO_LARGE', 413, 'client', 'The request body is too large'),
  ipDenied: kind('SLUICE_PLUGIN_IP_DENIED', 403, 'client', 'The client address is not allowed'),
  badBody: kind('SLUICE_PLUGIN_BAD_BODY', 400, 'client', 'The request body is not what is expected here'),
  unusableReply: kind('SLUICE_PLUGIN_UNUSABLE_REPLY', 502, 'upstream', 'The reply cannot be passed on as it is'),
  unauthorized: kind('SLUICE_AUTH_UNAUTHORIZED', 401, 'client', 'Credentials are missing or invalid'),
  forbidden: kind('SLUICE_AUTH_FORBIDDEN', 403, 'client', 'The consumer may not do this'),
  authUnavailable: kind('SLUICE_AUTH_UNAVAILABLE', 503, 'self', 'Credentials cannot be checked at the moment'),
  rateLimited: kind('SLUICE_LIMIT_RATE', 429, 'client', 'Too many requests'),
  concurrencyLimited: kind('SLUICE_LIMIT_CONCURRENCY', 429, 'client', 'Too many requests at once'),
  limitUnavailable: kind('SLUICE_LIMIT_UNAVAILABLE', 503, 'self', 'The limit cannot be checked at the moment'),
  pluginFailed: kind('SLUICE_PLUGIN_FAILED', 500, 'self', 'A plugin failed'),
  pluginTimeout: kind('SLUICE_PLUGIN_TIMEOUT', 504, 'self', 'A plugin did not answer in time'),
  upstreamConnect: kind('SLUICE_UPSTREAM_CONNECT', 502, 'upstream', 'The upstream cannot be reached', RETRY),
  upstreamConnectTimeout: kind(
    'SLUICE_UPSTREAM_CONNECT_TIMEOUT',
    504,
    'upstream',
    'The upstream does not accept in time',
    RETRY,
  ),
  upstreamReset: kind('SLUICE_UPSTREAM_RESET', 502, 'upstream', 'The upstream closed the connection', RETRY),
  upstreamProtocol: kind('SLUICE_UPSTREAM_PROTOCOL', 502, 'upstream', 'The upstream sent an invalid reply'),
  upstreamHeadTooLarge: kind('SLUICE_UPSTREAM_HEAD_TOO_LARGE', 502, 'upstream', 'The upstream reply head is too large'),
  upstreamTruncated: kind('SLUICE_UPSTREAM_TRUNCATED', 502, 'upstream', 'The upstream reply ended early'),
  upstreamResponseTimeout: kind(
    'SLUICE_UPSTREAM_RESPONSE_TIMEOUT',
    504,
    'upstream',
    'The upstream does not answer in time',
  ),
  upstreamIdleTimeout: kind('SLUICE_UPSTREAM_IDLE_TIMEOUT', 504, 'upstream', 'The upstream stalled'),
  totalTimeout: kind('SLUICE_UPSTREAM_TOTAL_TIMEOUT', 504, 'upstream', 'The request took longer than allowed'),
  upstreamOverloaded: kind('SLUICE_UPSTREAM_OVERLOADED', 503, 'self', 'Too many requests wait for the upstream'),
  noEndpoint: kind('SLUICE_UPSTREAM_NO_ENDPOINT', 503, 'self', 'The upstream has no usable endpoint'),
  circuitOpen: kind('SLUICE_UPSTREAM_CIRCUIT_OPEN', 503, 'self', 'The upstream is not asked at the moment'),
  clientGone: kind('SLUICE_CLIENT_GONE', 499, 'client', 'The client went away', CLOSE),
  clientStalled: kind('SLUICE_CLIENT_STALLED', 408, 'client', 'The client stopped reading or writing', CLOSE),
  internal: kind('SLUICE_GATEWAY_INTERNAL', 500, 'self', 'The gateway failed'),
})

/** One occurrence: the kind, what may be told to the client, and what only the log gets. */
export class Failure {
  readonly kind: ErrorKind
  /** RFC 9457 `detail`; shown to the client, so it never names an address. */
  readonly detail: string
  /** For the log only. */
  readonly cause: unknown

  constructor(kind: ErrorKind, detail = '', cause: unknown = null) {
    this.kind = kind
    this.detail = detail
    this.cause = cause
  }
}
