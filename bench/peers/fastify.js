// @fastify/http-proxy with the work that every peer does: keep-alive upstream, X-Forwarded-For, request id both ways.
//   node fastify.js PORT UPSTREAM_ORIGIN
import { randomUUID } from 'node:crypto'
import proxy from '@fastify/http-proxy'
import Fastify from 'fastify'

const [port, upstream] = process.argv.slice(2)
const app = Fastify({ logger: false })
await app.register(proxy, {
  upstream,
  undici: { connections: 128, pipelining: 1 },
  replyOptions: {
    rewriteRequestHeaders: (request, headers) => ({
      ...headers,
      'x-forwarded-for': request.ip,
      'x-request-id': (request.requestId = randomUUID()),
    }),
    rewriteHeaders: (headers, request) => ({ ...headers, 'x-request-id': request.requestId }),
  },
})
await app.listen({ port: Number(port), host: '127.0.0.1' })
