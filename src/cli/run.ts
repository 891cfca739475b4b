import { formatProblem } from '../config/problem.ts'
import { InvalidConfiguration } from '../control/publish.ts'
import { Gateway } from '../gateway.ts'
import { onSignals } from '../process/signals.ts'
import { Supervisor, workersOf } from '../supervisor.ts'
import { readThreshold } from '../telemetry/logger.ts'
import { Logs } from '../telemetry/logs.ts'
import { readArguments, UsageError, type Command } from './command.ts'

export const run: Command = {
  name: 'run',
  usage: 'run --config FILE',
  summary: 'serve; SIGTERM and SIGINT drain, SIGHUP reloads, SIGUSR2 opens log files anew',
  help:
    'Serves the configuration and follows its changes. LOG_LEVEL: debug, info, warn, error or silent, before what the file says.\n' +
    'Exits 0 after a drain, 1 when the configuration is invalid or an address cannot be had.',
  async run(argv) {
    const { values } = readArguments(argv, { config: { type: 'string', short: 'c' } })
    const file = values.config
    if (file === undefined) throw new UsageError('--config FILE is needed')
    const workers = await workersOf(file)
    const logs = new Logs(readThreshold(process.env['LOG_LEVEL']), { shared: workers > 1 })
    const { log } = logs
    process.once('exit', () => logs.writeNow())
    let gateway: Gateway | Supervisor | null = null
    // First of all: a signal during start-up must not end the process by surprise.
    const stopped = new Promise<number>((resolve) => {
      onSignals({
        stop(signal) {
          log.info({ signal }, 'draining')
          void (gateway?.stop() ?? Promise.resolve(0)).then(async (cut) => {
            log.info({ cut }, 'stopped')
            await logs.close()
            resolve(0)
            // uWS keeps the loop alive for a while after its last socket is closed.
            process.exit(0)
          })
        },
        abort() {
          if (gateway instanceof Supervisor) gateway.abort()
          process.exit(1)
        },
        reload: () => void gateway?.reload(),
        reopenLogs: () => (gateway instanceof Supervisor ? gateway.reopenLogs() : logs.reopen()),
      })
    })
    try {
      gateway = await (workers > 1 ? Supervisor.start(file, workers, logs) : Gateway.start(file, logs))
    } catch (error) {
      const lines =
        error instanceof InvalidConfiguration ? error.problems.map(formatProblem) : [(error as Error).message]
      process.stderr.write(lines.join('\n') + '\n')
      process.exit(1)
    }
    return stopped
  },
}
