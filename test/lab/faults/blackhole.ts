// A port on which connecting hangs. Linux drops a SYN without a word when the queue of accepted connections is full, and
// that is what this does: a thread listens with the shortest queue and then sleeps, so that nobody accepts, and two
// connections of our own fill the queue. A client sees no SYN-ACK, as with a host that is gone; its kernel tries again
// after 1, 3, 7 s. Node itself always accepts what its loop is told of, hence the thread; a stopped process would do the
// same at a higher price.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { Worker } from 'node:worker_threads'

/** listen(2): at 1, Linux takes two connections. Node takes 0 for "no wish". */
export const BACKLOG = 1
const FILLERS = BACKLOG + 1
/** ms. On loopback the kernel is done within connect(2); one that hangs lost its place to a client, which is as good. */
const HANGS = 50

export class Blackhole {
  readonly #thread: Worker
  readonly #fillers: readonly Socket[]
  readonly #wake: Int32Array

  private constructor(thread: Worker, wake: Int32Array, fillers: readonly Socket[]) {
    this.#thread = thread
    this.#wake = wake
    this.#fillers = fillers
  }

  /** The port must be free, or become so within two seconds. */
  static async open(port: number): Promise<Blackhole> {
    const wake = new Int32Array(new SharedArrayBuffer(4))
    const thread = new Worker(new URL('./blackhole-thread.ts', import.meta.url), { workerData: { port, wake } })
    await Promise.race([
      once(thread, 'message'),
      once(thread, 'exit').then(() => Promise.reject(new Error(`port ${port} is taken`))),
    ])
    const fillers = Array.from({ length: FILLERS }, () => connect({ port, host: '127.0.0.1' }).on('error', () => {}))
    await Promise.all(fillers.map((filler) => connected(filler)))
    return new Blackhole(thread, wake, fillers)
  }

  /** Frees the port. Connections that hang are then served by who listens next, when their kernel tries again. */
  async close(): Promise<void> {
    const ended = once(this.#thread, 'exit')
    for (const filler of this.#fillers) filler.destroy()
    Atomics.store(this.#wake, 0, 1)
    Atomics.notify(this.#wake, 0)
    await ended
  }
}

async function connected(socket: Socket): Promise<void> {
  await once(socket, 'connect', { signal: AbortSignal.timeout(HANGS) }).catch(() => {})
}
