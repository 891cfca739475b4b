// `sluice VERB ...`: finds the verb, shows help, maps usage errors to exit code 2.
import { check } from './check.ts'
import type { Command } from './command.ts'
import { UsageError } from './command.ts'
import { explain } from './explain.ts'
import { plugin } from './plugin.ts'
import { routes } from './routes.ts'
import { run } from './run.ts'
import { top } from './top.ts'
import { version } from './version.ts'

const COMMANDS: readonly Command[] = [run, check, routes, explain, plugin, top, version]

function overview(): string {
  const width = Math.max(...COMMANDS.map(({ usage }) => usage.length))
  const lines = COMMANDS.map(({ usage, summary }) => `  ${usage.padEnd(width)}   ${summary}`)
  return `Usage: sluice VERB [options]\n\n${lines.join('\n')}\n\nsluice VERB --help tells more.\n`
}

async function main(argv: readonly string[]): Promise<number> {
  const [verb, ...rest] = argv
  if (verb === undefined || verb === '--help' || verb === '-h' || verb === 'help') {
    process.stdout.write(overview())
    return verb === undefined ? 2 : 0
  }
  const name = verb === '--version' ? 'version' : verb
  const command = COMMANDS.find((candidate) => candidate.name === name)
  if (command === undefined) {
    process.stderr.write(`sluice: there is no verb "${verb}"\n\n${overview()}`)
    return 2
  }
  if (rest.includes('--help') || rest.includes('-h')) {
    process.stdout.write(`Usage: sluice ${command.usage}\n\n${command.help}\n`)
    return 0
  }
  try {
    return await command.run(rest)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    process.stderr.write(`sluice ${command.name}: ${error.message}\nUsage: sluice ${command.usage}\n`)
    return 2
  }
}

process.exitCode = await main(process.argv.slice(2))
