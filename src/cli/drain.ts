import { setTimeout as pause } from 'node:timers/promises'
import { isRecord } from '../config/document.ts'
import { AdminRefusal, isGone, type AdminClient } from './admin-client.ts'
import { ADMIN_HELP, ADMIN_OPTIONS, openAdmin, TOKEN_HINT } from './admin-options.ts'
import { readArguments, UsageError, type Command } from './command.ts'
import { readWait } from './control/input.ts'
import { harmless } from './top/cells.ts'
import { counted } from './words.ts'

/** ms between two looks. */
const INTERVAL = 100
/** ms until one look is given up. */
const PATIENCE = 5_000

export const drain: Command = {
  name: 'drain',
  usage: 'drain [--admin ADDRESS] [--token-file FILE] [--wait 1m | --no-wait]',
  summary: 'let a gateway finish what it has and end',
  help:
    'Readiness off, listeners closed, requests under way finished within drainTimeout, then the gateway ends. Waits for\n' +
    'that, for 1m or what --wait says, and prints how many requests were cut; --no-wait does not.\n' +
    `Exits 0 when the gateway has ended, 1 when it has not, or does not answer.\n${ADMIN_HELP}`,
  async run(argv) {
    const { values, positionals } = readArguments(argv, {
      ...ADMIN_OPTIONS,
      wait: { type: 'string' },
      'no-wait': { type: 'boolean' },
    })
    if (positionals.length > 0) throw new UsageError(`"${positionals[0]}" is not expected`)
    if (values.wait !== undefined && values['no-wait'] === true) {
      throw new UsageError('--wait and --no-wait do not go together')
    }
    const wait = readWait(values.wait ?? '1m')
    const { address, client } = await openAdmin(values)
    try {
      const before = inFlightOf(await client.get('/admin/v1/stats'))
      await client.ask('/admin/v1/drain', { method: 'POST' })
      process.stdout.write(harmless(`${address}: draining`) + '\n')
      return values['no-wait'] === true ? 0 : await ended(client, address, wait, before)
    } catch (error) {
      if (!(error instanceof AdminRefusal)) throw error
      process.stderr.write(`sluice drain: ${harmless(`${address}: ${error.message}`)}\n`)
      if (error.status === 401) process.stderr.write(`${TOKEN_HINT}\n`)
      return 1
    }
  },
}

/** The admin listener goes last: when nobody answers there any more, it is over. */
async function ended(client: AdminClient, address: string, wait: number, atFirst: number): Promise<number> {
  const end = performance.now() + wait
  let inFlight = atFirst
  for (; performance.now() < end; await pause(INTERVAL)) {
    try {
      const timeout = Math.max(1, Math.min(PATIENCE, Math.ceil(end - performance.now())))
      inFlight = inFlightOf((await client.ask('/admin/v1/stats', { timeout })).value)
    } catch (error) {
      if (!(error instanceof AdminRefusal) || error.status !== 0) throw error
      // One that is busy may not answer for a while, and one that goes may cut off an answer.
      if (!isGone(error)) continue
      process.stdout.write(harmless(`${address}: it has ended; ${lastSeen(inFlight)}`) + '\n')
      return 0
    }
  }
  process.stderr.write(
    `sluice drain: ${harmless(`${address}: not over after ${wait / 1000} s; ${lastSeen(inFlight)}`)}\n`,
  )
  return 1
}

function lastSeen(inFlight: number): string {
  return `${counted(inFlight, 'request')} under way at the last look`
}

function inFlightOf(report: unknown): number {
  const requests = isRecord(report) && isRecord(report['requests']) ? report['requests'] : report
  const count = isRecord(requests) ? requests['inFlight'] : undefined
  return typeof count === 'number' ? count : 0
}
