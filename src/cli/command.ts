// What every verb has, and how its arguments are read.
import { parseArgs, type ParseArgsConfig } from 'node:util'

export interface Command {
  readonly name: string
  /** One line: `check FILE`. */
  readonly usage: string
  readonly summary: string
  /** More lines for --help. */
  readonly help: string
  /** Exit code. Throws UsageError. */
  run(argv: readonly string[]): Promise<number>
}

/** The command line itself is wrong: exit code 2. */
export class UsageError extends Error {}

type Options = NonNullable<ParseArgsConfig['options']>

/** Strict: an unknown option is a UsageError. */
export function readArguments<O extends Options>(argv: readonly string[], options: O) {
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true, strict: true })
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}
