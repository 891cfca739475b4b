import { readArguments, UsageError, type Command } from './command.ts'
import { TARGET_HELP, TARGET_OPTIONS, withTarget } from './control/target-options.ts'
import type { HistoryEntry } from './control/target.ts'
import { table, writtenTime } from './words.ts'

export const history: Command = {
  name: 'history',
  usage: 'history [--json] [--admin ... | --etcd ...]',
  summary: 'the last 50 versions: when, by whom, why',
  help: `Latest first; * marks the one that serves. Times are UTC. --json: the same for programs.\n${TARGET_HELP}`,
  async run(argv) {
    const { values, positionals } = readArguments(argv, { ...TARGET_OPTIONS, json: { type: 'boolean' } })
    if (positionals.length > 0) throw new UsageError(`"${positionals[0]}" is not expected`)
    return withTarget('history', values, async (target) => {
      const versions = await target.history()
      if (values.json === true) process.stdout.write(`${JSON.stringify({ versions }, null, 2)}\n`)
      else process.stdout.write(table([['VERSION', 'TIME', 'AUTHOR', 'CHANGES', 'MESSAGE'], ...versions.map(row)]))
      return 0
    })
  },
}

function row({ version, time, author, message, changes, serving }: HistoryEntry): string[] {
  return [`${version}${serving ? '*' : ''}`, writtenTime(time), author || '-', `${changes ?? '-'}`, message || '-']
}
