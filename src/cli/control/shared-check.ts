// Would a gateway take these items? Asked before they are written to a store, which takes anything.
import { resolve } from 'node:path'
import { isMap, parseDocument } from 'yaml'
import { TimerWheel } from '../../base/timer-wheel.ts'
import { SECRET_IN_CLEAR } from '../../config/lint/secrets.ts'
import type { Problem } from '../../config/problem.ts'
import { compile, InvalidConfiguration, validate } from '../../control/publish.ts'
import { builtInPlugins, createLiveState } from '../../live-state.ts'
import { Logs } from '../../telemetry/logs.ts'
import type { SharedFile } from './shared-file.ts'
import { TargetFailure, type ConfigText } from './target.ts'

/** Keys that a whole configuration must have, and a file of shared items need not. */
const NEEDED: readonly (readonly [string, string])[] = [
  ['version', '1'],
  ['listeners', '[{"name": "main", "bind": "127.0.0.1:0"}]'],
  ['routes', '[]'],
]

/** Gives what looks like a mistake. Rejects with TargetFailure when a gateway would not take it. */
export async function validateShared(
  { file, text }: ConfigText,
  { problems }: SharedFile,
): Promise<readonly Problem[]> {
  const refuse = (found: readonly Problem[]): never => {
    throw new TargetFailure(
      `${file} is not valid`,
      found.map((problem) => ({ ...problem, file })),
    )
  }
  if (problems.length > 0) refuse(problems)
  try {
    const validated = await validate(completed(text), resolve(file), await builtInPlugins())
    const live = createLiveState(validated.plugins, new TimerWheel(), new Logs('silent'), { serving: false })
    const snapshot = await compile(validated, 1, live, null)
    snapshot.release()
    const warnings = [...validated.warnings, ...(await validated.lint())]
    // What is shared cannot take anything from the environment.
    return warnings.filter(({ message }) => message !== SECRET_IN_CLEAR).map((warning) => ({ ...warning, file }))
  } catch (error) {
    if (!(error instanceof InvalidConfiguration)) throw error
    return refuse(error.problems)
  }
}

/** A whole configuration, in which what was there stands on the lines where it stood. */
function completed(text: string): string {
  const { contents } = parseDocument(text)
  const has = (key: string): boolean => isMap(contents) && contents.has(key)
  const missing = NEEDED.filter(([key]) => !has(key))
  if (missing.length === 0) return text
  if (!isMap(contents) || contents.flow !== true) {
    return `${text}\n${missing.map(([key, value]) => `${key}: ${value}\n`).join('')}`
  }
  const [start] = contents.range
  const more = missing.map(([key, value]) => `"${key}": ${value}`).join(', ')
  const comma = contents.items.length === 0 ? '' : ', '
  return `${text.slice(0, start + 1)}${more}${comma}${text.slice(start + 1)}`
}
