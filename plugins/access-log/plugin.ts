// One JSON line per request, written in the background.
import { pino } from 'pino'
import { definePlugin, Type, type LogMask, type PluginExchange } from '../../src/contract/plugin.ts'
import { closeDestination, openDestination } from './destination.ts'

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
          description: 'Share of requests; errors from 500 are always logged',
          default: 1,
        }),
      ),
      query: Type.Optional(Type.Boolean({ description: 'Log the query too; it may hold secrets', default: false })),
      headers: Type.Optional(Type.Array(Type.String(), { description: 'Request headers to log' })),
    },
    { additionalProperties: false },
  ),
  compile({ destination = 'stdout', sample = 1, query = false, headers = [] }) {
    const logger = pino(
      { base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: () => ({ type: 'access' }) } },
      openDestination(destination),
    )
    return {
      log(x) {
        if (sample < 1 && x.status < SERVER_ERROR && Math.random() >= sample) return
        logger.info(line(x, query, headers))
      },
      stop: () => closeDestination(destination),
    }
  },
})

function line(x: PluginExchange, query: boolean, headers: readonly string[]): object {
  return {
    requestId: x.requestId,
    clientIp: x.clientIp,
    method: x.method,
    host: x.host,
    path: shown(x.logMask, query ? x.path + x.search : x.path),
    status: x.status,
    bytesIn: x.bytesIn,
    bytesOut: x.bytesOut,
    durationMs: rounded(x.elapsed),
    upstreamMs: x.upstreamLatency < 0 ? undefined : rounded(x.upstreamLatency),
    route: x.routeName === '' ? undefined : x.routeName,
    upstream: x.upstreamName === '' ? undefined : x.upstreamName,
    error: x.errorCode === '' ? undefined : x.errorCode,
    headers: headers.length === 0 ? undefined : Object.fromEntries(headers.map((name) => [name, header(x, name)])),
  }
}

function header(x: PluginExchange, name: string): string {
  const value = x.header(name)
  const mask = x.logMask
  if (mask === null || value === '') return value
  return mask.headers.has(name.toLowerCase()) ? mask.replacement : mask.text(value)
}

function shown(mask: LogMask | null, text: string): string {
  return mask === null ? text : mask.text(text)
}

function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000
}
