// Ports that can be left and had again, and resets that are nothing but resets.
import { createServer, type Server, type Socket } from 'node:net'

/**
 * Below the range from which the kernel takes the ports of clients (net.ipv4.ip_local_port_range, from 32768 on): while
 * nobody listens here, no connection of somebody else takes the port for its own end. Port 0 would be in that range.
 */
const FIRST = 10_000
const LAST = 32_767
const ATTEMPTS = 100
/** ms between attempts to have a port again. */
const PAUSE = 20

function listen(port: number, accept: (socket: Socket) => void, backlog: number): Promise<Server> {
  // Half-open connections are for the owner to end: a proxy passes each direction's end on by itself.
  const server = createServer({ allowHalfOpen: true, noDelay: true }, accept)
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, host: '127.0.0.1', backlog }, () => {
      server.off('error', reject)
      resolve(server)
    })
  })
}

function isTaken(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
}

/** Listens on a port that nobody has. */
export async function listenSomewhere(accept: (socket: Socket) => void): Promise<{ server: Server; port: number }> {
  for (let attempt = 1; ; attempt++) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST + 1))
    try {
      return { server: await listen(port, accept, 511), port }
    } catch (error) {
      if (!isTaken(error) || attempt === ATTEMPTS) throw error
    }
  }
}

/** Listens on this port; while it is taken, tries again for two seconds. */
export async function listenAgain(port: number, accept: (socket: Socket) => void, backlog = 511): Promise<Server> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await listen(port, accept, backlog)
    } catch (error) {
      if (!isTaken(error) || attempt === ATTEMPTS) throw error
      await new Promise((resolve) => setTimeout(resolve, PAUSE))
    }
  }
}

/**
 * A reset and nothing else: resetAndDestroy ends the connection first, so that a FIN goes ahead of it. This is its second
 * half alone (lib/net.js, Socket.prototype._reset).
 */
export function abort(socket: Socket): void {
  // While its own FIN is under way libuv refuses to reset, and node would never say that the socket is closed.
  if (!socket.writableEnded) (socket as Socket & { resetAndClosing: boolean }).resetAndClosing = true
  socket.destroy()
}
