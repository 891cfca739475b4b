import type { Change } from '../config/diff.ts'
import { formatProblem, type Problem } from '../config/problem.ts'
import { readArguments, UsageError, type Command } from './command.ts'
import { shownChange, changeSummary } from './control/change-lines.ts'
import { author, readConfigText, readWait, wantsColour } from './control/input.ts'
import { settle } from './control/settle.ts'
import { printFailure, TARGET_HELP, TARGET_OPTIONS, withTarget } from './control/target-options.ts'
import {
  Conflict,
  TargetFailure,
  type ConfigTarget,
  type ConfigText,
  type Preview,
  type Written,
} from './control/target.ts'
import { harmless, styled } from './top/cells.ts'

export const WRITE_OPTIONS = {
  yes: { type: 'boolean', short: 'y' },
  message: { type: 'string', short: 'm' },
  wait: { type: 'string' },
  'no-wait': { type: 'boolean' },
} as const

export const WRITE_HELP =
  '--yes does it. --message TEXT says why, for the history; the author is USER@HOST. Then it waits until every gateway\n' +
  'serves the new version or refuses it, and prints a line for each: --wait 10s is how long, --no-wait does not.'

export const apply: Command = {
  name: 'apply',
  usage: 'apply FILE [--yes] [--message TEXT] [--admin ... | --etcd ...]',
  summary: 'make FILE the configuration; shows the differences, and does it with --yes',
  help:
    'Validates FILE and shows what would change, what looks like a mistake, and where it would be written. Nothing is\n' +
    `written without --yes.\n${WRITE_HELP}\n` +
    'When somebody else has changed the configuration in the meantime, nothing is written and the new differences are\n' +
    'shown. Exits 0 when it is done, or would be; 1 when not, or when a gateway does not serve it.\n' +
    'For etcd, FILE has routes, upstreams, paths and plugins; what else it has is not written.\n' +
    TARGET_HELP,
  async run(argv) {
    const { values, positionals } = readArguments(argv, { ...TARGET_OPTIONS, ...WRITE_OPTIONS })
    const [file, extra] = positionals
    if (file === undefined || extra !== undefined) throw new UsageError('exactly one FILE is needed')
    const wait = readWaiting(values)
    return withTarget('apply', values, async (target) => {
      const text = await readConfigText(file)
      const preview = await target.preview(text)
      printPreview(file, target, preview)
      if (values.yes !== true) return dryRunOver(preview.isSame)
      if (preview.isSame) return 0
      const authorship = { author: author(), message: values.message ?? '' }
      let written: Written
      try {
        written = await target.apply(text, preview.version, authorship)
      } catch (error) {
        if (!(error instanceof Conflict)) throw error
        return conflicted('apply', error, target, text)
      }
      return finish(target, written, wait)
    })
  },
}

/** ms, or null: no waiting. Throws UsageError. */
export function readWaiting(values: { readonly wait?: string; readonly 'no-wait'?: boolean }): number | null {
  if (values['no-wait'] !== true) return readWait(values.wait ?? '10s')
  if (values.wait !== undefined) throw new UsageError('--wait and --no-wait do not go together')
  return null
}

export function printChanges(heading: string, changes: readonly Change[]): void {
  const colour = wantsColour(process.stdout)
  const lines = changes.map((change) => shownChange(change, colour))
  process.stdout.write([harmless(heading), ...lines, changeSummary(changes)].map((line) => `${line}\n`).join(''))
}

export function dryRunOver(isSame: boolean): number {
  process.stdout.write(isSame ? 'There is nothing to write.\n' : 'Nothing is written: --yes does it.\n')
  return 0
}

/** Says that it is written, and by whom it is served. */
export async function finish(target: ConfigTarget, { version, isNew }: Written, wait: number | null): Promise<number> {
  process.stdout.write(
    isNew ? `version ${version} is written\n` : `nothing is written: version ${version} says the same\n`,
  )
  if (wait === null) return 0
  const { lines, isServed } = await settle(target, version, wait)
  process.stdout.write(lines.map((line) => `${harmless(line)}\n`).join(''))
  return isServed ? 0 : 1
}

/** Who was faster, as far as it is known. */
export async function printFaster(verb: string, error: Conflict, target: ConfigTarget): Promise<void> {
  const [latest] = await target.history()
  const who = latest === undefined ? '' : `: version ${latest.version} by ${latest.author || 'somebody'}`
  const why = latest === undefined || latest.message === '' ? '' : ` (${latest.message})`
  printFailure(verb, new TargetFailure(`${error.message}${who}${why}; nothing is written`))
}

async function conflicted(verb: string, error: Conflict, target: ConfigTarget, text: ConfigText): Promise<number> {
  await printFaster(verb, error, target)
  printPreview(text.file, target, await target.preview(text))
  return 1
}

function printPreview(
  file: string,
  target: ConfigTarget,
  { version, changes, warnings, notes, isSame }: Preview,
): void {
  const over = version === 0 ? 'which has none yet' : `over version ${version}`
  printChanges(`${file} to ${target.describe()}, ${over}`, changes)
  if (changes.length === 0 && !isSame) process.stdout.write('The text may differ in comments and order.\n')
  for (const note of notes) process.stdout.write(`${harmless(note)}\n`)
  printWarnings(warnings)
}

function printWarnings(warnings: readonly Problem[]): void {
  const colour = wantsColour(process.stderr)
  for (const warning of warnings) {
    const line = formatProblem({ ...warning, message: `warning: ${warning.message}` })
    process.stderr.write(`${styled(harmless(line), 'warn', colour)}\n`)
  }
}
