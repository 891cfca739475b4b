// Reads and compiles a configuration for a verb that does not serve it.
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { TimerWheel } from '../base/timer-wheel.ts'
import type { CompiledSnapshot } from '../compile/snapshot.ts'
import { formatProblem } from '../config/problem.ts'
import { compile, InvalidConfiguration, validate, type Validated } from '../control/publish.ts'
import { builtInPlugins, createLiveState } from '../live-state.ts'
import { Logs } from '../telemetry/logs.ts'

export interface LoadedConfiguration {
  readonly validated: Validated
  readonly snapshot: CompiledSnapshot
}

/** Prints what is wrong, one line per problem, and gives null. `shown` is the file name in those lines. */
export async function loadConfiguration(shown: string): Promise<LoadedConfiguration | null> {
  let text: string
  try {
    text = await readFile(resolve(shown), 'utf8')
  } catch (error) {
    process.stderr.write(`${shown}: ${(error as Error).message}\n`)
    return null
  }
  try {
    const validated = await validate(text, resolve(shown), await builtInPlugins())
    const live = createLiveState(validated.plugins, new TimerWheel(), new Logs('silent'), { serving: false })
    return { validated, snapshot: await compile(validated, 1, live, null) }
  } catch (error) {
    if (!(error instanceof InvalidConfiguration)) throw error
    const lines = error.problems.map((problem) => formatProblem({ ...problem, file: shown }))
    process.stderr.write(lines.join('\n') + '\n')
    return null
  }
}
