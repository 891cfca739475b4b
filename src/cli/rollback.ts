import { dryRunOver, finish, printChanges, printFaster, readWaiting, WRITE_HELP, WRITE_OPTIONS } from './apply.ts'
import { readArguments, UsageError, type Command } from './command.ts'
import { author, readVersion } from './control/input.ts'
import { TARGET_HELP, TARGET_OPTIONS, withTarget } from './control/target-options.ts'
import { Conflict, TargetFailure, type ConfigTarget } from './control/target.ts'

export const rollback: Command = {
  name: 'rollback',
  usage: 'rollback [VERSION] [--yes] [--message TEXT] [--admin ... | --etcd ...]',
  summary: 'go back to an earlier version; shows the differences, and does it with --yes',
  help:
    'Without VERSION it is the one before that which serves; `sluice history` lists them. Going back is a new version\n' +
    `that says what the earlier one said. Nothing is written without --yes.\n${WRITE_HELP}\n` +
    'Exits 0 when it is done, or would be; 1 when not, or when a gateway does not serve it.\n' +
    TARGET_HELP,
  async run(argv) {
    const { values, positionals } = readArguments(argv, { ...TARGET_OPTIONS, ...WRITE_OPTIONS })
    const [named, extra] = positionals
    if (extra !== undefined) throw new UsageError('one VERSION at most')
    const asked = named === undefined ? null : readVersion(named)
    const wait = readWaiting(values)
    return withTarget('rollback', values, async (target) => {
      const base = await target.version()
      const version = asked ?? (await versionBefore(target, base))
      const changes = await target.compare({ kind: 'version', version: base }, { kind: 'version', version })
      printChanges(`${target.describe()}: from version ${base} back to ${version}`, changes)
      const isSame = base === version
      if (values.yes !== true || isSame) return dryRunOver(isSame)
      const message = values.message ?? `back to version ${version}`
      try {
        return await finish(target, await target.activate(version, base, { author: author(), message }), wait)
      } catch (error) {
        if (!(error instanceof Conflict)) throw error
        await printFaster('rollback', error, target)
        return 1
      }
    })
  },
}

async function versionBefore(target: ConfigTarget, base: number): Promise<number> {
  const before = (await target.history()).find(({ version }) => version < base)
  if (before !== undefined) return before.version
  throw new TargetFailure(`${target.describe()}: no version before ${base} is known`)
}
