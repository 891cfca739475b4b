// The thread of blackhole.ts: listens, and sleeps before its loop can accept anything.
import { parentPort, workerData } from 'node:worker_threads'
import { BACKLOG } from './blackhole.ts'
import { listenAgain } from './listening.ts'

const { port, wake } = workerData as { readonly port: number; readonly wake: Int32Array }
const server = await listenAgain(port, (socket) => socket.destroy(), BACKLOG)
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port between threads has no origin
parentPort!.postMessage('listening')
Atomics.wait(wake, 0, 0)
server.close()
