// fast-proxy on node:http with the work that every peer does: keep-alive upstream, X-Forwarded-For, request id both ways.
//   node fast-proxy.js PORT UPSTREAM_ORIGIN
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import fastProxy from 'fast-proxy'

const [port, base] = process.argv.slice(2)
const upstream = fastProxy({ base, undici: { connections: 128, pipelining: 1 } })
createServer((request, response) => {
  const id = randomUUID()
  upstream.proxy(request, response, request.url, {
    rewriteRequestHeaders: (_, headers) => ({
      ...headers,
      'x-forwarded-for': request.socket.remoteAddress,
      'x-request-id': id,
    }),
    rewriteHeaders: (headers) => ({ ...headers, 'x-request-id': id }),
  })
}).listen(Number(port), '127.0.0.1')
