// The place of a request in its trace: decided once it has a route, told to the upstream with every try, and recorded at
// the end. A request that is not recorded has no object for it.
import { now } from '../base/clock.ts'
import { flagsOf } from '../base/trace-context.ts'
import type { Exchange } from '../contract/exchange.ts'
import { RequestSpans, TrySpan } from '../contract/request-spans.ts'
import { KEPT, OWN, UNDECIDED, type Tracing } from '../contract/trace.ts'
import type { Try } from '../contract/tries.ts'
import { NEXT, type Verdict } from '../contract/verdict.ts'
import { spansOf } from './spans.ts'
import type { RoadState } from './state.ts'

export function trace(x: Exchange): Verdict {
  const { tracing } = x.snapshot!
  if (tracing !== null) decide(x, tracing)
  return NEXT
}

/** The parent decides, if it is believed; else the rules do, and a new trace begins. */
export function decide(x: Exchange, tracing: Tracing): void {
  const { trace } = x
  trace.read(x.headers)
  if (trace.client !== '' && tracing.believes(x)) {
    trace.continues = true
    trace.sampled = (flagsOf(trace.client) & 1) === 1
    trace.state = trace.sampled ? OWN : KEPT
  } else {
    trace.begin()
    trace.sampled = tracing.samples(x, trace.bits)
  }
  if (trace.sampled) x.spans = new RequestSpans()
}

/** `current` is about to be sent: the upstream is told whose child its own span is. */
export function traceTry(x: Exchange, current: Try, besideAnother: boolean): void {
  const { trace, spans } = x
  if (trace.state !== OWN || spans === null) return
  if (current.span !== null) current.span.finish() // its connection was stale
  const { url } = current.endpoint!
  const name = x.upstreamName
  current.span = besideAnother ? spans.hedged(url, name) : spans.sent(url, name)
  trace.forward = trace.withSpan(current.span.id)
}

/** The request is over, and may be one that is recorded after all. */
export function sampleLate(x: Exchange): void {
  if (x.trace.state === UNDECIDED || x.trace.sampled) return
  const tracing = x.snapshot!.tracing!
  const isWanted = (tracing.errors && hasFailed(x)) || x.elapsed >= tracing.slow
  if (!isWanted || !tracing.spans.takesLate(now())) return
  x.trace.sampleLate()
  x.spans = new RequestSpans()
  const { endpoint, startedAt } = x.tries.current
  if (endpoint === null) return
  const last = new TrySpan(endpoint.url, x.upstreamName, x.tries.retries, startedAt)
  last.status = x.tries.status
  if (x.failure !== null) last.failed(x.failure)
  last.finish()
  x.spans.tries.push(last)
}

/** What is the client's fault, or its choice, is none. */
function hasFailed({ status, failure }: Exchange): boolean {
  return status >= 500 || (failure !== null && failure.kind.source !== 'client')
}

/** After the log steps: one of them may know what must not be shown. */
export function exportSpans(x: Exchange, spans: RequestSpans, state: RoadState): void {
  const sink = x.snapshot!.tracing!.spans
  spans.goesOn()
  try {
    sink.add(spansOf(x, spans))
  } catch (error) {
    // What must not be shown is a plugin's code, and an end of a request must not fail.
    sink.lose(1 + spans.tries.length + spans.waits.length)
    state.log.error({ route: x.routeName, err: error }, 'spans could not be made')
  }
}
