// From configuration text to the snapshot that serves: parse, validate, compile, swap. All or nothing.
import { dirname, resolve } from 'node:path'
import { Slice } from '../base/slice.ts'
import type { ValidConfig } from '../config/load.ts'
import { ConfigLoader, type RejectedItem, type SharedConfig } from '../config/loader.ts'
import type { Problem } from '../config/problem.ts'
import { compileSnapshot, type CompiledSnapshot, type LiveState } from '../compile/snapshot.ts'
import { PluginRefusals } from '../compile/chains.ts'
import type { Toggle } from '../config/toggles.ts'
import type { Plugin } from '../contract/plugin.ts'
import { PluginFileError, PluginFiles } from './plugin-directory.ts'

/** The configuration is not usable; `problems` say why, every one of them. */
export class InvalidConfiguration extends Error {
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[]) {
    super(`the configuration has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}`)
    this.problems = problems
  }
}

export interface Validated {
  readonly valid: ValidConfig
  readonly plugins: ReadonlyMap<string, Plugin>
  /** Absolute paths. */
  readonly pluginDirectories: readonly string[]
  readonly file: string
  /** Plugin files that cannot be used and whose last good version is taken. */
  readonly warnings: readonly Problem[]
  /** Shared items that are not taken as they are. */
  readonly rejected: readonly RejectedItem[]
  /** What is valid and yet hardly meant. It is looked for when it is asked for, in slices: never before it serves. */
  lint(): Promise<readonly Problem[]>
}

export interface ValidateOptions {
  readonly env?: Readonly<Record<string, string | undefined>>
  /** What is known of the user's plugin files. */
  readonly files?: PluginFiles
  /** False: plugin files in their last good version, where they have one. */
  readonly newest?: boolean
  /** Knows what serves; a new one validates everything. Who makes the configuration serve tells it so (commit). */
  readonly loader?: ConfigLoader
  /** What a shared store holds beside the file. */
  readonly shared?: SharedConfig | null
}

/** Rejects with InvalidConfiguration. */
export async function validate(
  text: string,
  file: string,
  builtIn: readonly Plugin[],
  {
    env = process.env,
    files = new PluginFiles(),
    newest = true,
    loader = new ConfigLoader(),
    shared = null,
  }: ValidateOptions = {},
): Promise<Validated> {
  const document = await loader.parse(text, file, env)
  const plugins = new Map(builtIn.map((plugin) => [plugin.name, plugin]))
  const problems: Problem[] = []
  const warnings: Problem[] = []
  const pluginDirectories = document.pluginDirectories.map((directory) => resolve(dirname(file), directory))
  for (const [index, directory] of pluginDirectories.entries()) {
    const key = `pluginDirectories[${index}]`
    const report = (message: string, to = problems): void =>
      void to.push({ file, ...document.at(['pluginDirectories', index]), key, message })
    try {
      const loaded = await files.load(directory, newest, ({ message }, good) =>
        report(message, good === null ? problems : warnings),
      )
      for (const plugin of loaded) {
        if (plugins.has(plugin.name)) report(`plugin "${plugin.name}" exists already; give it another name`)
        else plugins.set(plugin.name, plugin)
      }
    } catch (error) {
      if (!(error instanceof PluginFileError)) throw error
      report(error.message)
    }
  }
  const loaded = await loader.load({ document, shared, plugins })
  if (loaded.ok && problems.length === 0) {
    const { config: valid, rejected, warnings: odd } = loaded
    const lint = once(async () => [...odd, ...(await loader.lint(valid))])
    return { valid, plugins, pluginDirectories, file, warnings, rejected, lint }
  }
  throw new InvalidConfiguration(loaded.ok ? problems : [...problems, ...loaded.problems])
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | null = null
  return () => (made ??= make())
}

/** Only what has changed since `previous` is compiled. Rejects with InvalidConfiguration when plugins refuse their options. */
export async function compile(
  { valid, file }: Validated,
  version: number,
  live: LiveState,
  previous: CompiledSnapshot | null,
): Promise<CompiledSnapshot> {
  try {
    return await compileSnapshot(valid, version, live, previous)
  } catch (error) {
    if (!(error instanceof PluginRefusals)) throw error
    throw new InvalidConfiguration(error.refusals.map(({ toggle, message }) => problemAt(file, toggle, message)))
  }
}

/** Starts the plugin instances that are new. Rejects with InvalidConfiguration when some do not start. */
export async function start({ file }: Validated, { toStart }: CompiledSnapshot): Promise<void> {
  const problems: Problem[] = []
  const starts: Promise<void>[] = []
  const slice = new Slice()
  for (const [instance, toggles] of toStart) {
    // Many items may ask for the same one: all of them are to blame, or they would be found out one after the other.
    const refuse = ({ message }: Error): void => {
      for (const toggle of toggles) problems.push(problemAt(file, toggle, message))
    }
    starts.push(instance.start().catch(refuse))
    if (slice.over) await slice.pause()
  }
  await Promise.all(starts)
  if (problems.length > 0) throw new InvalidConfiguration(problems)
}

function problemAt(file: string, { plugin, origin }: Toggle, message: string): Problem {
  const { line, column, where } = origin
  return { file: origin.file ?? file, line, column, key: `${where}.${plugin}`, message }
}
