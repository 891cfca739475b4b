import { parseUnit, UNIT_EXAMPLES } from '../config/units.ts'
import { AdminRefusal } from './admin-client.ts'
import { ADMIN_HELP, ADMIN_OPTIONS, openAdmin, TOKEN_HINT } from './admin-options.ts'
import { readArguments, UsageError, type Command } from './command.ts'
import { harmless } from './top/cells.ts'
import { Screen } from './top/screen.ts'
import { Session } from './top/session.ts'
import { render } from './top/view.ts'

/** Width of a table that nobody's terminal limits. */
const PIPE_WIDTH = 120
const SHORTEST_INTERVAL = 100
const LONGEST_INTERVAL = 3_600_000

export const top: Command = {
  name: 'top',
  usage: 'top [--admin ADDRESS] [--token-file FILE] [--interval 1s] [--once] [--json]',
  summary: 'watch a gateway in the terminal: traffic, latency, health',
  help:
    `Asks the admin listener again and again. ${ADMIN_HELP}\n` +
    '--once, or an output that is no terminal: one table after one interval. --json: that as JSON.\n' +
    'Keys: q quit, s sort by the next column, r routes, u upstreams, / filter, arrows and pages scroll.\n' +
    'No colours when NO_COLOR is set. Exits 1 when the gateway cannot be asked.',
  async run(argv) {
    const { values, positionals } = readArguments(argv, {
      ...ADMIN_OPTIONS,
      interval: { type: 'string' },
      once: { type: 'boolean' },
      json: { type: 'boolean' },
    })
    if (positionals.length > 0) throw new UsageError(`there is nothing to be done with "${positionals[0]}"`)
    const { address, client } = await openAdmin(values)
    const interval = readInterval(values.interval ?? '1s')
    const { stdin, stdout } = process
    const isTerminal = stdout.isTTY && process.env['TERM'] !== 'dumb'
    const colour = isTerminal && (process.env['NO_COLOR'] ?? '') === ''
    try {
      const session = new Session(client, { address, interval, colour })
      if (isTerminal && values.once !== true && values.json !== true) {
        return await session.watch(new Screen(stdin, stdout))
      }
      await session.readTwice()
      const columns = isTerminal ? stdout.columns || PIPE_WIDTH : PIPE_WIDTH
      stdout.write(values.json === true ? asJson(session) : asTable(session, columns, colour))
      return 0
    } catch (error) {
      if (!(error instanceof AdminRefusal)) throw error
      process.stderr.write(`sluice top: ${harmless(`${address}: ${error.message}`)}\n`)
      if (error.status === 401) process.stderr.write(`${TOKEN_HINT}\n`)
      return 1
    }
  },
}

function readInterval(text: string): number {
  const interval = parseUnit('duration', text)
  if (interval >= SHORTEST_INTERVAL && interval <= LONGEST_INTERVAL) return interval
  throw new UsageError(`--interval is from 100ms to 1h (${UNIT_EXAMPLES.duration}), not ${JSON.stringify(text)}`)
}

function asTable({ view }: Session, columns: number, colour: boolean): string {
  const size = { columns, rows: Infinity }
  const routes = render(view, size, colour)
  // The header once, then both tables.
  const upstreams = render({ ...view, table: 'upstreams' }, size, colour)
  const own = upstreams.slice(upstreams.indexOf('') + 1)
  return [...routes, '', ...own].map((line) => line.trimEnd()).join('\n') + '\n'
}

function asJson({ view }: Session): string {
  const { reading, endpoints } = view
  return JSON.stringify({ ...reading, endpoints }, null, 2) + '\n'
}
