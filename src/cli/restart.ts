import { parseUnit, UNIT_EXAMPLES } from '../config/units.ts'
import { awaitSuccessor, readPidFile, requestRestart } from '../process/restart-request.ts'
import { readArguments, UsageError, type Command } from './command.ts'
import { openAdmin, type AdminValues } from './admin-options.ts'
import { harmless } from './top/cells.ts'

export const restart: Command = {
  name: 'restart',
  usage: 'restart [--pid FILE] [--admin ADDRESS] [--token-file FILE] [--timeout 60s]',
  summary: 'start the code that is on disk now beside a running gateway, which then drains',
  help:
    'Sends SIGUSR2 to a gateway on this machine: the one whose id is in FILE (run --pid-file), else the one that answers at\n' +
    'ADDRESS, http://host:port or unix:/path. With --admin it waits until the next generation serves, and exits 1 when it does\n' +
    'not within --timeout; the one before serves on then, and its log says why. The token of the admin listener is the content\n' +
    'of --token-file, else SLUICE_ADMIN_TOKEN.',
  async run(argv) {
    const { values, positionals } = readArguments(argv, {
      pid: { type: 'string' },
      admin: { type: 'string' },
      'token-file': { type: 'string' },
      timeout: { type: 'string' },
    })
    if (positionals.length > 0) throw new UsageError(`"${positionals[0]}" is not expected`)
    const { pid: file, admin } = values
    if (file === undefined && admin === undefined) throw new UsageError('--pid FILE or --admin ADDRESS is needed')
    const timeout = parseUnit('duration', values.timeout ?? '60s')
    if (!(timeout > 0)) throw new UsageError(`--timeout is a duration (${UNIT_EXAMPLES.duration})`)
    const askPid = admin === undefined ? null : await pidAsker(values)
    try {
      const before = (await askPid?.()) ?? 0
      const pid = file === undefined ? before : await readPidFile(file)
      await requestRestart(pid)
      if (askPid === null) return tell(`asked process ${pid} to restart; its log says how it goes`)
      const next = await awaitSuccessor(before, askPid, timeout)
      if (next !== null) return tell(`process ${next} serves in place of ${before}`)
      process.stderr.write(`sluice restart: process ${before} still serves; its log says why\n`)
    } catch (error) {
      process.stderr.write(`sluice restart: ${harmless((error as Error).message)}\n`)
    }
    return 1
  },
}

function tell(message: string): number {
  process.stdout.write(`${message}\n`)
  return 0
}

async function pidAsker(values: AdminValues): Promise<() => Promise<number>> {
  const { client } = await openAdmin(values)
  return async () => {
    const { pid } = await client.get<{ readonly pid: unknown }>('/admin/v1/stats')
    if (Number.isSafeInteger(pid) && (pid as number) > 1) return pid as number
    throw new Error('the answer tells no process: is this the admin listener of a gateway?')
  }
}
