// From configuration text to the snapshot that serves: parse, validate, compile, swap. All or nothing.
import { dirname, resolve } from 'node:path'
import { parseDocument } from '../config/document.ts'
import { loadConfig, type ValidConfig } from '../config/load.ts'
import type { Problem } from '../config/problem.ts'
import { compileSnapshot, type CompiledSnapshot, type LiveState } from '../compile/snapshot.ts'
import { PluginRefusal } from '../compile/chains.ts'
import type { Plugin } from '../contract/plugin.ts'
import { loadPluginDirectory, PluginFileError } from './plugin-directory.ts'

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
  readonly file: string
}

/** Rejects with InvalidConfiguration. */
export async function validate(
  text: string,
  file: string,
  builtIn: readonly Plugin[],
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<Validated> {
  const document = parseDocument(text, file, env)
  const plugins = new Map(builtIn.map((plugin) => [plugin.name, plugin]))
  const problems: Problem[] = []
  for (const [index, directory] of document.pluginDirectories.entries()) {
    const key = `pluginDirectories[${index}]`
    const report = (message: string): void =>
      void problems.push({ file, ...document.at(['pluginDirectories', index]), key, message })
    try {
      for (const plugin of await loadPluginDirectory(resolve(dirname(file), directory))) {
        if (plugins.has(plugin.name)) report(`plugin "${plugin.name}" exists already; give it another name`)
        else plugins.set(plugin.name, plugin)
      }
    } catch (error) {
      if (!(error instanceof PluginFileError)) throw error
      report(error.message)
    }
  }
  const loaded = loadConfig(document, plugins)
  if (loaded.ok && problems.length === 0) return { valid: loaded.config, plugins, file }
  throw new InvalidConfiguration(loaded.ok ? problems : [...problems, ...loaded.problems])
}

/** Throws InvalidConfiguration when a plugin refuses its options. */
export function compile({ valid, file }: Validated, version: number, live: LiveState): CompiledSnapshot {
  try {
    return compileSnapshot(valid, version, live)
  } catch (error) {
    if (!(error instanceof PluginRefusal)) throw error
    const { plugin, origin } = error.toggle
    const { line, column, where } = origin
    throw new InvalidConfiguration([{ file, line, column, key: `${where}.${plugin}`, message: error.message }])
  }
}
