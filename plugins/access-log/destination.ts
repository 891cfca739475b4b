// Where access log lines go. Lines are gathered and written in the background; instances that write to the same place
// share it, and it is flushed and closed with the last of them.
import { pino } from 'pino'

type Stream = ReturnType<typeof pino.destination>

/** Bytes gathered before a write, and the longest that a line waits for it (ms). */
const GATHER = 4096
const FLUSH_INTERVAL = 500

interface Shared {
  readonly stream: Stream
  readonly timer: NodeJS.Timeout
  users: number
}

const open = new Map<string, Shared>()

/** `stdout`, `stderr` or the path of a file, which is created with its directory. */
export function openDestination(name: string): Stream {
  let shared = open.get(name)
  if (shared === undefined) {
    const dest = name === 'stdout' ? 1 : name === 'stderr' ? 2 : name
    const stream = pino.destination({ dest, sync: false, minLength: GATHER, mkdir: true })
    // A full disk or a closed pipe loses log lines, never requests.
    stream.on('error', () => {})
    const timer = setInterval(() => stream.flush(() => {}), FLUSH_INTERVAL)
    timer.unref()
    shared = { stream, timer, users: 0 }
    open.set(name, shared)
  }
  shared.users++
  return shared.stream
}

/** Resolves when what was gathered is written, or cannot be. */
export function closeDestination(name: string): Promise<void> {
  const shared = open.get(name)
  if (shared === undefined || --shared.users > 0) return Promise.resolve()
  open.delete(name)
  clearInterval(shared.timer)
  return new Promise((resolve) => {
    shared.stream.once('close', resolve)
    shared.stream.once('error', () => resolve())
    shared.stream.end()
  })
}
