// One round of wrk, pinned to a core, and what it saw.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)
const SCRIPT = new URL('wrk.lua', import.meta.url).pathname

export interface Load {
  readonly path: string
  readonly connections: number
  readonly headers: 'bare' | 'browser'
  /** Bytes of a POST; 0 for a GET. */
  readonly body: number
  /** Of `Authorization: Bearer`; none without it. */
  readonly token?: string
}

export interface Seen {
  readonly requests: number
  readonly bytes: number
  /** microseconds */
  readonly micros: number
  /** Replies of 400 and above, and connections that failed. */
  readonly bad: number
  readonly broken: number
  /** microseconds */
  readonly p50: number
  readonly p99: number
  readonly p999: number
}

/** `prefix`: a command that runs it. Throws when a single request failed: such figures mean nothing. */
export async function wrk(
  origin: string,
  load: Load,
  seconds: number,
  core: string,
  prefix: readonly string[] = [],
): Promise<Seen> {
  const [command, ...argv] = [...prefix, 'taskset', '-c', core, 'wrk']
  const { stdout } = await run(
    command,
    [...argv, '-t1', `-c${load.connections}`, `-d${seconds}s`, '--latency', '-s', SCRIPT, origin + load.path],
    {
      env: {
        ...process.env,
        SLUICE_HEADERS: load.headers,
        SLUICE_BODY: String(load.body),
        SLUICE_TOKEN: load.token ?? '',
      },
    },
  )
  const json = /^JSON (.*)$/m.exec(stdout)
  if (json === null) throw new Error(`wrk did not report: ${stdout}`)
  const seen = JSON.parse(json[1]!) as Seen
  if (seen.bad > 0 || seen.broken > 0 || seen.requests === 0) throw new Error(`${origin}${load.path}: ${stdout}`)
  return seen
}

/** payload/connections/kind, such as 69/64/bare. */
export function parseLoad(name: string): Load {
  const [payload = '', connections = '', kind = ''] = name.split('/')
  return {
    path: `/${payload}`,
    connections: Number(connections),
    headers: kind === 'browser' ? 'browser' : 'bare',
    body: kind === 'post' ? 4096 : 0,
  }
}
