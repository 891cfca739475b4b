// A small upstream to try the gateway with. Any path tells what was received; /slow and /stream take their time.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'

/** Body bytes that are shown, at most. */
const SHOWN = 64 * 1024

/** Listens on loopback, if no other address is given. Rejects when the port is taken. */
export function startDemoUpstream(port: number, host = '127.0.0.1'): Promise<Server> {
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://demo')
    if (pathname === '/stream') stream(response)
    else if (pathname === '/slow') setTimeout(() => echo(request, response), Number(searchParams.get('ms') ?? 2000))
    else echo(request, response)
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => resolve(server))
  })
}

function echo(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = []
  let bytes = 0
  request.on('data', (chunk: Buffer) => {
    if (bytes < SHOWN) chunks.push(chunk)
    bytes += chunk.length
  })
  request.on('error', () => {}) // the client went away; there is nobody to tell
  request.on('end', () => {
    const { method, url, headers } = request
    const body = Buffer.concat(chunks).subarray(0, SHOWN).toString()
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ upstream: 'demo', method, url, headers, bytes, body }, null, 2) + '\n')
  })
}

/** A line every 300 ms, ten in all. */
function stream(response: ServerResponse): void {
  let line = 0
  response.setHeader('content-type', 'text/plain')
  const timer = setInterval(() => {
    response.write(`line ${++line}\n`)
    if (line === 10) response.end()
  }, 300)
  response.on('close', () => clearInterval(timer))
}
