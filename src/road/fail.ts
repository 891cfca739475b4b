// The one place where a failure becomes a reply (RFC 9457). Addresses, stacks and causes go to the log only.
import { ERRORS, Failure } from '../base/errors.ts'
import { BodyRefused } from '../contract/body-transform.ts'
import type { Exchange } from '../contract/exchange.ts'
import type { FAILED } from '../contract/verdict.ts'
import { cancelTries } from './finish.ts'
import type { RoadState } from './state.ts'

/** A stage threw: a body step that refuses the body, a plugin's fault if one was running, else a bug of ours. */
export function failStep(x: Exchange, error: unknown): typeof FAILED {
  if (error instanceof BodyRefused) return x.fail(bodyFailure(error))
  return x.fail(new Failure(x.failedPlugin === '' ? ERRORS.internal : ERRORS.pluginFailed, '', error))
}

/** A body transform threw. */
export function bodyFailure(error: unknown): Failure {
  if (error instanceof BodyRefused) return new Failure(error.kind, error.message)
  return new Failure(ERRORS.pluginFailed, '', error)
}

/** Turns `x.failure` into the reply of the Exchange. */
export function fail(x: Exchange, state: RoadState): void {
  const { kind, detail } = x.failure!
  if (x.spans !== null) x.spans.failed(kind.code, x.failedPlugin)
  report(x, state)
  cancelTries(x)
  x.tries.current.attempt = null
  state.wheel.disarm(x.tries.hedgeTimer)
  state.wheel.disarm(x.totalTimer)
  if (kind.close) x.closeAfter = true
  x.status = kind.status
  if (x.responseHead !== null) {
    // The edits of that head go with it.
    x.responseHead = null
    x.responseEdits.clear()
  }
  x.responsePipe = null
  x.responseHeaders.clear()
  x.responseHeaders.push('content-type', 'application/problem+json')
  if (kind.status === 503 || kind.status === 429) x.responseHeaders.push('retry-after', String(secondsToWait(x)))
  x.localBody = JSON.stringify({
    type: 'about:blank',
    title: kind.title,
    status: kind.status,
    detail: detail === '' ? undefined : detail,
    instance: x.requestId,
    code: kind.code,
  })
}

/** Whole seconds after which another request may be worth it. */
function secondsToWait(x: Exchange): number {
  const open = x.failure!.kind === ERRORS.circuitOpen || x.failure!.kind === ERRORS.noEndpoint
  return open ? Math.max(1, Math.ceil(x.upstream!.retryAfter / 1000)) : 1
}

function report(x: Exchange, state: RoadState): void {
  const { kind, cause } = x.failure!
  if (kind.source === 'client') return // its access log line says it all; a client must not fill our log
  const level = kind.source === 'self' ? 'error' : 'warn'
  state.log[level](
    {
      code: kind.code,
      requestId: x.requestId,
      trace_id: x.traceId === '' ? undefined : x.traceId,
      span_id: x.spanId === '' ? undefined : x.spanId,
      status: kind.status,
      route: x.routeName,
      upstream: x.upstreamName === '' ? undefined : x.upstreamName,
      endpoint: x.tries.current.endpoint?.url,
      plugin: x.failedPlugin === '' ? undefined : x.failedPlugin,
      err: cause ?? undefined,
    },
    kind.title,
  )
}
