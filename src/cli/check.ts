import { UsageError, readArguments, type Command } from './command.ts'
import { loadConfiguration } from './configuration.ts'
import { counted } from './words.ts'

export const check: Command = {
  name: 'check',
  usage: 'check FILE',
  summary: 'validate a configuration; one line per problem',
  help: 'Prints FILE:LINE:COL KEY message for every problem and exits 1; exits 0 when there is none.',
  async run(argv) {
    const { positionals } = readArguments(argv, {})
    const [file, extra] = positionals
    if (file === undefined || extra !== undefined) throw new UsageError('exactly one FILE is needed')
    const loaded = await loadConfiguration(file)
    if (loaded === null) return 1
    const { routes, upstreams = {} } = loaded.snapshot.config
    const contents = [counted(routes.length, 'route'), counted(Object.keys(upstreams).length, 'upstream')]
    process.stdout.write(`${file}: ok (${contents.join(', ')})\n`)
    loaded.snapshot.release()
    return 0
  },
}
