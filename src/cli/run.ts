import { formatProblem } from '../config/problem.ts'
import { parseUnit, UNIT_EXAMPLES } from '../config/units.ts'
import { InvalidConfiguration } from '../control/publish.ts'
import { Gateway } from '../gateway.ts'
import { serve } from '../process/serve.ts'
import { readThreshold } from '../telemetry/logger.ts'
import { Logs } from '../telemetry/logs.ts'
import { readArguments, UsageError, type Command } from './command.ts'

const LONGEST_START = 3_600_000

export const run: Command = {
  name: 'run',
  usage: 'run --config FILE [--pid-file FILE] [--start-limit 30s]',
  summary: 'serve; SIGTERM and SIGINT drain, SIGHUP reloads, SIGUSR1 opens log files anew, SIGUSR2 restarts',
  help:
    'Serves the configuration and follows its changes. LOG_LEVEL: debug, info, warn, error or silent, before what the file says.\n' +
    'SIGUSR2 starts the code that is on disk now beside this one. When it is healthy, within --start-limit, it takes over and\n' +
    'this one drains; else nothing changes. The process that was started first stays, with the same id.\n' +
    'Exits 0 after a drain, 1 when the configuration is invalid or an address cannot be had.',
  run(argv) {
    const { values } = readArguments(argv, {
      config: { type: 'string', short: 'c' },
      'pid-file': { type: 'string' },
      'start-limit': { type: 'string' },
    })
    const file = values.config
    if (file === undefined) throw new UsageError('--config FILE is needed')
    const startLimit = readStartLimit(values['start-limit'] ?? '30s')
    const logs = new Logs(readThreshold(process.env['LOG_LEVEL']))
    return serve({
      logs,
      start: (inheritance) => Gateway.start(file, logs, inheritance),
      explain,
      startLimit,
      pidFile: values['pid-file'] ?? null,
    })
  },
}

function explain(error: unknown): string {
  if (error instanceof InvalidConfiguration) return error.problems.map(formatProblem).join('\n')
  return (error as Error).message
}

function readStartLimit(text: string): number {
  const limit = parseUnit('duration', text)
  if (limit > 0 && limit <= LONGEST_START) return limit
  throw new UsageError(`--start-limit is up to 1h (${UNIT_EXAMPLES.duration}), not ${JSON.stringify(text)}`)
}
