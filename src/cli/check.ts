import { formatProblem } from '../config/problem.ts'
import { UsageError, readArguments, type Command } from './command.ts'
import { loadConfiguration } from './configuration.ts'
import { counted } from './words.ts'

export const check: Command = {
  name: 'check',
  usage: 'check FILE [--strict]',
  summary: 'validate a configuration; one line per problem',
  help: `Prints FILE:LINE:COL KEY message for every problem and exits 1; exits 0 when there is none.
What is valid and yet hardly meant is told as "warning: message"; with --strict that exits 1 too.`,
  async run(argv) {
    const { positionals, values } = readArguments(argv, { strict: { type: 'boolean' } })
    const [file, extra] = positionals
    if (file === undefined || extra !== undefined) throw new UsageError('exactly one FILE is needed')
    const loaded = await loadConfiguration(file)
    if (loaded === null) return 1
    const warnings = await loaded.validated.lint()
    for (const { message, ...place } of warnings)
      process.stderr.write(formatProblem({ ...place, file, message: `warning: ${message}` }) + '\n')
    const { routes, upstreams = {} } = loaded.snapshot.config
    const contents = [counted(routes.length, 'route'), counted(Object.keys(upstreams).length, 'upstream')]
    process.stdout.write(`${file}: ok (${contents.join(', ')})\n`)
    loaded.snapshot.release()
    return values.strict === true && warnings.length > 0 ? 1 : 0
  },
}
