// The admin listener: health, metrics and upstreams today; the rest of the API of DESIGN section 7 as its rooms appear.
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseBind, type Listener } from '../contract/listener.ts'
import { exposition, EXPOSITION_TYPES, formatFor } from '../telemetry/exposition.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { reportOf } from '../upstreams/report.ts'
import type { LiveUpstream } from '../upstreams/upstream.ts'

export interface AdminState {
  /** The gateway takes requests: configured, listening, not draining. */
  readonly ready: boolean
  readonly metrics: Metrics
  readonly upstreams: Iterable<LiveUpstream>
}

const PATHS = new Set(['/livez', '/readyz', '/metrics', '/admin/v1/upstreams'])

/** Binds and listens. Rejects when the address cannot be had. */
export async function startAdmin(bind: string, state: AdminState): Promise<Listener> {
  const server = createServer(
    { keepAliveTimeout: 5_000, headersTimeout: 5_000, requestTimeout: 5_000 },
    (request, response) => {
      request.resume()
      const path = request.url?.split('?', 1)[0] ?? ''
      if (!PATHS.has(path)) return problem(response, 404, 'Not Found')
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        response.setHeader('allow', 'GET, HEAD')
        return problem(response, 405, 'Method Not Allowed')
      }
      if (path === '/readyz' && !state.ready) return problem(response, 503, 'Not ready')
      if (path === '/metrics') {
        const format = formatFor(request.headers.accept ?? '')
        void exposition(state.metrics, format).then((text) => {
          response.setHeader('content-type', EXPOSITION_TYPES[format])
          response.end(text)
        })
        return
      }
      if (path === '/admin/v1/upstreams') {
        response.setHeader('content-type', 'application/json')
        response.end(JSON.stringify({ upstreams: Array.from(state.upstreams, reportOf) }))
        return
      }
      response.setHeader('content-type', 'text/plain')
      response.end('ok\n')
    },
  )
  const address = parseBind(bind)
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(new Error(`cannot listen on ${bind} (admin): ${error.message}`)))
    server.listen('path' in address ? { path: address.path } : address, resolve)
  })
  const port = 'path' in address ? 0 : (server.address() as AddressInfo).port
  const stopAccepting = (): void => void server.close()
  return {
    name: 'admin',
    address: 'path' in address ? bind : bind.replace(/:\d+$/, `:${port}`),
    port,
    active: 0,
    stopAccepting,
    close() {
      stopAccepting()
      server.closeAllConnections()
    },
  }
}

function problem(response: ServerResponse, status: number, title: string): void {
  response.writeHead(status, { 'content-type': 'application/problem+json' })
  response.end(JSON.stringify({ type: 'about:blank', title, status }))
}
