// `sluice VERB ...`: finds the verb, shows help, maps usage errors to exit code 2.
import type { Command } from './command.ts'
import { UsageError } from './command.ts'

/** Loaded when asked for: `sluice health` runs every few seconds and must not load a whole gateway each time. */
const VERBS: Readonly<Record<string, () => Promise<Command>>> = {
  run: async () => (await import('./run.ts')).run,
  check: async () => (await import('./check.ts')).check,
  restart: async () => (await import('./restart.ts')).restart,
  routes: async () => (await import('./routes.ts')).routes,
  explain: async () => (await import('./explain.ts')).explain,
  plugin: async () => (await import('./plugin.ts')).plugin,
  top: async () => (await import('./top.ts')).top,
  health: async () => (await import('./health.ts')).health,
  version: async () => (await import('./version.ts')).version,
}

async function overview(): Promise<string> {
  const commands = await Promise.all(Object.values(VERBS).map((load) => load()))
  const width = Math.max(...commands.map(({ usage }) => usage.length))
  const lines = commands.map(({ usage, summary }) => `  ${usage.padEnd(width)}   ${summary}`)
  return `Usage: sluice VERB [options]\n\n${lines.join('\n')}\n\nsluice VERB --help tells more.\n`
}

async function main(argv: readonly string[]): Promise<number> {
  const [verb, ...rest] = argv
  if (verb === undefined || verb === '--help' || verb === '-h' || verb === 'help') {
    process.stdout.write(await overview())
    return verb === undefined ? 2 : 0
  }
  const name = verb === '--version' ? 'version' : verb
  if (!Object.hasOwn(VERBS, name)) {
    process.stderr.write(`sluice: there is no verb "${verb}"\n\n${await overview()}`)
    return 2
  }
  const command = await VERBS[name]!()
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
