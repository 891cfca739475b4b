// The command line that starts the next generation: the same as that of this process, but with what is on disk now.
import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, join, sep } from 'node:path'

export interface CommandLine {
  readonly command: string
  readonly argv: readonly string[]
}

/**
 * Paths are taken as they were given, and links in them followed anew. Through `scripts/sluice`, which leaves its own path
 * in SLUICE_LAUNCHER, the next generation finds its Node and its dependencies as on a first start.
 */
export function nextCommandLine(): CommandLine {
  const [, entry = '', ...rest] = process.argv
  const launcher = process.env['SLUICE_LAUNCHER']
  if (launcher !== undefined && existsSync(launcher)) return { command: launcher, argv: rest }
  return { command: nodeCommand(), argv: [...process.execArgv, entry, ...rest] }
}

/** Node by the name by which it was started: it may be another version by now. */
function nodeCommand(): string {
  const { argv0, execPath } = process
  if (argv0.includes(sep)) return isExecutable(argv0) ? argv0 : execPath
  const found = (process.env['PATH'] ?? '').split(delimiter).map((directory) => join(directory, argv0))
  return found.find(isExecutable) ?? execPath
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
