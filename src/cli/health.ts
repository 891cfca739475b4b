// A probe for those who have no HTTP client at hand: containers, systemd, scripts. Imports nothing of the gateway, so
// that it costs little however often it runs.
import { request, type RequestOptions } from 'node:http'
import { readArguments, UsageError, type Command } from './command.ts'

const DEFAULT_ADMIN = 'http://127.0.0.1:9901'
const DEFAULT_TIMEOUT = 2_000
const LONGEST_TIMEOUT = 60_000
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000 }

export const health: Command = {
  name: 'health',
  usage: 'health [--admin ADDRESS] [--live] [--timeout 2s]',
  summary: 'exit 0 if a running gateway is ready, else 1',
  help:
    'Asks /readyz of the admin listener, with --live /livez. ADDRESS: http://host:port or unix:/path; without it what\n' +
    `SLUICE_ADMIN says, else ${DEFAULT_ADMIN}. Prints one line. Exits 0 when the answer is 200; 1 when it is another,\n` +
    'or none comes in time.',
  async run(argv) {
    const { values, positionals } = readArguments(argv, {
      admin: { type: 'string' },
      live: { type: 'boolean' },
      timeout: { type: 'string' },
    })
    if (positionals.length > 0) throw new UsageError(`"${positionals[0]}" is not expected`)
    const path = values.live === true ? '/livez' : '/readyz'
    const admin = values.admin ?? process.env['SLUICE_ADMIN'] ?? DEFAULT_ADMIN
    const verdict = await ask({ ...target(admin), path }, readTimeout(values.timeout))
    if (verdict === 200) {
      process.stdout.write(`${admin}${path}: ok\n`)
      return 0
    }
    process.stderr.write(`${admin}${path}: ${typeof verdict === 'number' ? `status ${verdict}` : verdict}\n`)
    return 1
  },
}

function target(admin: string): RequestOptions {
  // A request over a unix socket needs some Host; this one is loopback by name.
  if (/^unix:./.test(admin)) return { socketPath: admin.slice('unix:'.length), headers: { host: 'localhost' } }
  const wrong = new UsageError(`--admin: expected http://host:port or unix:/path, saw "${admin}"`)
  if (!URL.canParse(admin)) throw wrong
  const { protocol, hostname, port, pathname, search, username, password } = new URL(admin)
  if (protocol !== 'http:' || pathname !== '/' || search !== '' || username !== '' || password !== '') throw wrong
  return { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: port === '' ? 80 : Number(port) }
}

function readTimeout(text: string | undefined): number {
  if (text === undefined) return DEFAULT_TIMEOUT
  const [, digits = '', unit = ''] = /^(\d{1,6})(ms|s|m)$/.exec(text) ?? []
  const timeout = Number(digits) * (UNITS[unit] ?? 0)
  if (timeout > 0 && timeout <= LONGEST_TIMEOUT) return timeout
  throw new UsageError(`--timeout: expected 1ms to 1m, saw "${text}"`)
}

/** The status of the reply, or why there is none. Its body is not read: nobody needs it, and it could be endless. */
function ask(options: RequestOptions, timeout: number): Promise<number | string> {
  return new Promise((resolve) => {
    const question = request({ ...options, agent: false }, (response) => end(response.statusCode ?? 0))
    const timer = setTimeout(() => end(`no answer within ${timeout} ms`), timeout)
    const end = (verdict: number | string): void => {
      clearTimeout(timer)
      resolve(verdict)
      question.destroy()
    }
    // Also after the end: destroying a request may report an error of its own.
    question.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message))
    question.end()
  })
}
