// Attempts to connect that no process sees, from the kernel's counters: refused ones (Tcp AttemptFails) and SYNs that a
// full queue dropped (TcpExt ListenDrops). The counters are of a network namespace; in one of our own nobody else counts.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { INTERVAL, type Series } from './figures.ts'

const INSIDE = 'SLUICE_BENCH_OWN_NETWORK'

/** Becomes this program again in a network namespace of its own; goes on here when that is not possible. */
export function enterOwnNetwork(): void {
  if (process.env[INSIDE] !== undefined) return
  const unshare = spawnSync('sh', ['-c', 'command -v unshare'], { encoding: 'utf8' }).stdout.trim()
  const own = ['--net', ...(process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'])]
  if (unshare === '' || spawnSync(unshare, [...own, 'ip', 'link', 'set', 'lo', 'up']).status !== 0) {
    console.error('no network namespace of its own: failed connections of other programs count as well')
    return
  }
  const again = [process.execPath, ...process.execArgv, ...process.argv.slice(1)]
  // Not a child: whoever ends this process must end the run.
  process.execve!(unshare, [unshare, ...own, 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh', ...again], {
    ...process.env,
    [INSIDE]: '1',
  })
}

/** Value of a counter in /proc/net/snmp or /proc/net/netstat: a line of names, then a line of values. */
function counter(file: string, group: string, name: string): number {
  const [names, values] = readFileSync(file, 'latin1')
    .split('\n')
    .filter((line) => line.startsWith(`${group}: `))
    .map((line) => line.split(' '))
  return Number(values![names!.indexOf(name)])
}

function attempts(): number {
  return counter('/proc/net/snmp', 'Tcp', 'AttemptFails') + counter('/proc/net/netstat', 'TcpExt', 'ListenDrops')
}

/** Attempts that failed, in the intervals of the endpoints. */
export class FailedAttempts {
  readonly #counts = new Map<number, number>()
  #last = attempts()
  readonly #timer = setInterval(() => this.#sample(), INTERVAL / 2)

  stop(): Series {
    clearInterval(this.#timer)
    this.#sample()
    return [...this.#counts]
  }

  #sample(): void {
    const now = Date.now()
    const start = now - (now % INTERVAL)
    const seen = attempts()
    if (seen > this.#last) this.#counts.set(start, (this.#counts.get(start) ?? 0) + seen - this.#last)
    this.#last = seen
  }
}
