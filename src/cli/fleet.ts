import { readArguments, UsageError, type Command } from './command.ts'
import { TARGET_HELP, TARGET_OPTIONS, withTarget } from './control/target-options.ts'
import type { InstanceStatus } from './control/target.ts'
import { table, writtenTime } from './words.ts'

export const fleet: Command = {
  name: 'fleet',
  usage: 'fleet [--json] [--admin ... | --etcd ...]',
  summary: 'every gateway at one look: version, state, error',
  help:
    'One line for each gateway that shares the configuration: the version that it serves, and what it does not take.\n' +
    `Times are UTC. --json: the same for programs. Exits 1 when there is no answer.\n${TARGET_HELP}`,
  async run(argv) {
    const { values, positionals } = readArguments(argv, { ...TARGET_OPTIONS, json: { type: 'boolean' } })
    if (positionals.length > 0) throw new UsageError(`"${positionals[0]}" is not expected`)
    return withTarget('fleet', values, async (target) => {
      const instances = await target.fleet()
      if (values.json === true) process.stdout.write(`${JSON.stringify({ instances }, null, 2)}\n`)
      else process.stdout.write(table([['INSTANCE', 'VERSION', 'STATE', 'SINCE', 'ERROR'], ...instances.map(row)]))
      return 0
    })
  },
}

function row({ instance, version, state, since, error }: InstanceStatus): string[] {
  return [instance, `${version}`, state, writtenTime(since), error || '-']
}
