// What the configuration says of traces -> what the main road asks once per request.
import { baggageValue } from '../base/trace-context.ts'
import type { ValueCondition } from '../config/condition-schema.ts'
import type { TracesConfig } from '../config/trace-schema.ts'
import type { Exchange } from '../contract/exchange.ts'
import type { TrustedProxies } from '../contract/snapshot.ts'
import type { Tracing } from '../contract/trace.ts'
import { compileConditions, compileTest } from '../router/condition.ts'
import type { SpanSink } from '../telemetry/span.ts'
import type { TraceExports } from '../telemetry/trace-exports.ts'

/** null when traces are not configured. The export is borrowed: it outlives the snapshot while its definition stays. */
export function borrowTracing(
  config: TracesConfig | undefined,
  trusted: TrustedProxies | null,
  exports: TraceExports,
  keep: (release: () => void) => void,
): Tracing | null {
  if (config === undefined) return null
  const { otlp, queue = 2048, service = 'sluice' } = config
  const { headers = {}, timeout = 10_000 } = otlp
  const { spans, release } = exports.borrow({ url: receiverUrl(otlp.url), headers, timeout, service, queue })
  keep(release)
  return compileTracing(config, trusted, spans)
}

export function compileTracing(
  { ratio = 0.01, rules = [], errors = true, slow = Infinity, trust = 'proxies' }: Omit<TracesConfig, 'otlp'>,
  trusted: TrustedProxies | null,
  spans: SpanSink,
): Tracing {
  const compiled = rules.map(compileRule)
  const otherwise = threshold(ratio)
  return {
    believes(x) {
      if (trust !== 'proxies') return trust === 'everyone'
      return trusted !== null && trusted.trusts(x.peerIp)
    },
    samples(x, bits) {
      for (const rule of compiled) if (rule.holds(x)) return bits >>> 0 >= rule.threshold
      return bits >>> 0 >= otherwise
    },
    errors,
    slow,
    spans,
  }
}

interface Rule {
  readonly threshold: number
  holds(x: Exchange): boolean
}

const ALL = 2 ** 32

/** Traces with at least these bits are recorded: as every sampler does that follows OpenTelemetry's probability sampling. */
function threshold(share: number): number {
  return Math.round((1 - Math.min(1, share)) * ALL)
}

function compileRule({
  route = '',
  header = {},
  baggage = {},
  share,
}: NonNullable<TracesConfig['rules']>[number]): Rule {
  const headers = compileConditions({ headers: header })
  const items = Object.entries(baggage).map(([name, wanted]) => baggageCondition(name, wanted))
  return {
    threshold: threshold(share),
    holds(x) {
      if (route !== '' && x.route!.name !== route) return false
      for (const condition of headers) if (!condition.holds(x)) return false
      for (const holds of items) if (!holds(x)) return false
      return true
    },
  }
}

function baggageCondition(name: string, wanted: ValueCondition): (x: Exchange) => boolean {
  const { test, negated } = compileTest(wanted)
  return (x) => {
    const value = baggageValue(x.headers.join('baggage'), name)
    return (value !== null && test(value)) !== negated
  }
}

/** As OTEL_EXPORTER_OTLP_ENDPOINT is read: a receiver without a path has its traces at the usual one. */
function receiverUrl(text: string): string {
  const url = new URL(text)
  if (url.pathname === '/' && url.search === '') url.pathname = '/v1/traces'
  return url.href
}
