// `sluice VERB ...` run as a user runs it, to its end, with its output in pipes.
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

const MAIN = new URL('../../src/cli/main.ts', import.meta.url).pathname

export interface Ended {
  readonly code: number
  readonly out: string
  readonly err: string
}

export function sluice(argv: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', MAIN, ...argv],
      { env: { ...process.env, ...env }, maxBuffer: 64 << 20 },
      (error, out, err) => resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    )
  })
}

/** Files in a directory that goes with the test; their paths. */
export async function files<N extends string>(
  test: TestContext,
  texts: Readonly<Record<N, string>>,
): Promise<Readonly<Record<N, string>>> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-files-'))
  test.after(() => rm(directory, { recursive: true, force: true }))
  const paths = Object.entries<string>(texts).map(async ([name, text]) => {
    await writeFile(join(directory, name), text)
    return [name, join(directory, name)] as const
  })
  return Object.fromEntries(await Promise.all(paths)) as Record<N, string>
}
