// One JSON line per request, written in the background.
import { pino } from 'pino'
import { timestamp } from '../../src/base/timestamp.ts'
import { definePlugin, Type, type LogMask, type PluginExchange } from '../../src/contract/plugin.ts'
import { isSecretHeader, MASKED, withoutSecrets } from './secrets.ts'

const SERVER_ERROR = 500

export default definePlugin({
  name: 'access-log',
  summary: 'One JSON line per request',
  order: 900,
  schema: Type.Object(
    {
      destination: Type.Optional(
        Type.String({ minLength: 1, description: 'stdout, stderr or a file', default: 'stdout' }),
      ),
      sample: Type.Optional(
        Type.Number({
          minimum: 0,
          maximum: 1,
          description:
            'Share of requests, instead of what observability.logs.sampling says; failures are always logged',
        }),
      ),
      query: Type.Optional(Type.Boolean({ description: 'Log the query too; it may hold secrets', default: false })),
      headers: Type.Optional(Type.Array(Type.String(), { description: 'Request headers to log' })),
    },
    { additionalProperties: false },
  ),
  compile({ destination = 'stdout', sample, query = false, headers = [] }, host) {
    const output = host.openLog(destination)
    let level: Level = 'info'
    const logger = pino(
      {
        base: { service: 'sluice', type: 'access', ...output.fields },
        timestamp: () => `,"timestamp":"${timestamp()}"`,
        formatters: { level: (label) => ({ level: label }) },
      },
      { write: (text: string) => output.write(level, text) },
    )
    return {
      log(x) {
        level = levelOf(x)
        const sampled = level === 'info' ? output.sample(level, sample) : 1
        if (sampled !== 0) logger[level](line(x, sampled, query, headers))
      },
    }
  },
})

type Level = 'info' | 'warn' | 'error'

function levelOf(x: PluginExchange): Level {
  if (x.status >= SERVER_ERROR) return 'error'
  return x.errorCode === '' ? 'info' : 'warn'
}

function line(x: PluginExchange, sampled: number, query: boolean, headers: readonly string[]): object {
  return {
    trace_id: x.traceId === '' ? undefined : x.traceId,
    span_id: x.spanId === '' ? undefined : x.spanId,
    trace_sampled: x.sampled ? true : undefined,
    requestId: x.requestId,
    clientIp: x.clientIp,
    method: x.method,
    host: x.host,
    path: shown(x.logMask, query ? x.path + withoutSecrets(x.search) : x.path),
    status: x.status,
    bytesIn: x.bytesIn,
    bytesOut: x.bytesOut,
    durationMs: rounded(x.elapsed),
    upstreamMs: x.upstreamLatency < 0 ? undefined : rounded(x.upstreamLatency),
    route: x.routeName === '' ? undefined : x.routeName,
    upstream: x.upstreamName === '' ? undefined : x.upstreamName,
    error: x.errorCode === '' ? undefined : x.errorCode,
    headers: headers.length === 0 ? undefined : Object.fromEntries(headers.map((name) => [name, header(x, name)])),
    sampled,
  }
}

function header(x: PluginExchange, name: string): string {
  const value = x.header(name)
  const mask = x.logMask
  if (value === '') return value
  const lower = name.toLowerCase()
  if (mask !== null && mask.headers.has(lower)) return mask.replacement
  if (isSecretHeader(lower)) return MASKED
  return mask === null ? value : mask.text(value)
}

function shown(mask: LogMask | null, text: string): string {
  return mask === null ? text : mask.text(text)
}

function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000
}
