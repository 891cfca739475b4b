// A small upstream to try the gateway with: tells what it received.
import { createServer, type IncomingMessage, type Server } from 'node:http'

/** Listens on loopback. Rejects when the port is taken. */
export function startDemoUpstream(port: number): Promise<Server> {
  const server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      response.setHeader('content-type', 'application/json')
      const { method, url, headers } = request
      response.end(JSON.stringify({ upstream: 'demo', method, url, headers, body }, null, 2) + '\n')
    })
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
}

/** At most the first 64 KiB: this is a demonstration. */
async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = ''
  try {
    for await (const chunk of request) if (text.length < 65_536) text += String(chunk)
  } catch {
    // the client went away
  }
  return text
}
