// Who has no right to share an address tries whether it is free, and then takes it as one who shares. Two gateways that are
// started at the same moment would both find it free, and each get half of the clients: so this is done in turn.
import { createHash } from 'node:crypto'
import { createServer } from 'node:net'

/** ms between two tries, and after which nobody is waited for: the turn of others must not keep this one from starting. */
const INTERVAL = 50
const PATIENCE = 10_000

/**
 * A name that one process at a time can have, and that ends with it: an abstract unix socket (unix(7)). Resolves with what
 * gives it back. Never rejects.
 */
export async function takeTurn(bind: string): Promise<() => void> {
  const path = `\0sluice-${createHash('sha256').update(bind).digest('hex')}`
  for (const end = performance.now() + PATIENCE; performance.now() < end;) {
    const giveBack = await hold(path)
    if (giveBack !== null) return giveBack
    await new Promise((resolve) => setTimeout(resolve, INTERVAL))
  }
  return () => {}
}

function hold(path: string): Promise<(() => void) | null> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy())
    server.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code === 'EADDRINUSE' ? null : () => {}))
    server.listen({ path }, () => resolve(() => void server.close()))
    server.unref()
  })
}
