import type { Change } from '../config/diff.ts'
import { readArguments, UsageError, type Command } from './command.ts'
import { shownChange, changeSummary } from './control/change-lines.ts'
import { compareFiles } from './control/file-changes.ts'
import { readOperand, wantsColour } from './control/input.ts'
import { printFailure, TARGET_HELP, TARGET_OPTIONS, withTarget, type TargetValues } from './control/target-options.ts'
import { TargetFailure, type Operand } from './control/target.ts'

/** As diff(1) has it. */
const TROUBLE = 2

export const diff: Command = {
  name: 'diff',
  usage: 'diff A B [--json] [--admin ... | --etcd ...]',
  summary: 'what differs between two configurations: files, versions, live',
  help:
    'A and B are files, versions (17 or @17; a file of that name is ./17), or "live": the configuration that serves.\n' +
    'One line per difference, by route, upstream and key; secrets are shown as ***. Two files are compared as they are\n' +
    'written, with their ${VARIABLES}; with anything else the effective values are. Of the admin API, a file can be\n' +
    'compared with what serves, and versions with each other.\n' +
    'Exits 0 when nothing differs, 1 when something does, 2 when it cannot be told.\n' +
    TARGET_HELP,
  async run(argv) {
    const { values, positionals } = readArguments(argv, { ...TARGET_OPTIONS, json: { type: 'boolean' } })
    const [before, after] = positionals
    if (before === undefined || after === undefined || positionals.length > 2) {
      throw new UsageError('exactly two are compared: A B')
    }
    let sides: readonly [Operand, Operand]
    try {
      sides = [await readOperand(before), await readOperand(after)]
    } catch (error) {
      if (!(error instanceof TargetFailure)) throw error
      printFailure('diff', error)
      return TROUBLE
    }
    const print = (changes: readonly Change[]): number => {
      process.stdout.write(values.json === true ? asJson(changes) : asLines(changes))
      return changes.length === 0 ? 0 : 1
    }
    return compare(sides, values, print)
  },
}

async function compare(
  [before, after]: readonly [Operand, Operand],
  values: TargetValues,
  print: (changes: readonly Change[]) => number,
): Promise<number> {
  if (before.kind !== 'file' || after.kind !== 'file') {
    return withTarget('diff', values, async (target) => print(await target.compare(before, after)), TROUBLE)
  }
  try {
    return print(await compareFiles(before, after))
  } catch (error) {
    if (!(error instanceof TargetFailure)) throw error
    printFailure('diff', error)
    return TROUBLE
  }
}

function asLines(changes: readonly Change[]): string {
  const colour = wantsColour(process.stdout)
  const lines = changes.map((change) => `${shownChange(change, colour)}\n`)
  return lines.length === 0 ? '' : `${lines.join('')}${changeSummary(changes)}\n`
}

function asJson(changes: readonly Change[]): string {
  return `${JSON.stringify({ changes }, null, 2)}\n`
}
