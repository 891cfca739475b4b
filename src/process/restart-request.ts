// Asks a gateway on this machine for a restart, and looks whether another process serves then.
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'

/** ms between two questions who serves. */
const INTERVAL = 50
/** ms for which nobody but another process must have answered: both do while the new one is tried. */
const CERTAIN = 1_000

/** Id of the first process, as `run --pid-file` has written it. Rejects when there is none. */
export async function readPidFile(file: string): Promise<number> {
  const pid = Number((await readFile(file, 'utf8')).trim())
  if (Number.isSafeInteger(pid) && pid > 1) return pid
  throw new Error(`${file} holds no process id`)
}

/**
 * Rejects when there is no such process, when it is not ours, and when it is another program, which the signal would end:
 * an id may be that of a gateway on another machine or in a container, or have been left in a file.
 */
export async function requestRestart(pid: number): Promise<void> {
  // Only Linux tells it; elsewhere nothing is known.
  const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => null)
  const [program = '', ...argv] = (line ?? 'node\0run').split('\0')
  if (!basename(program).startsWith('node') || !argv.includes('run'))
    throw new Error(`process ${pid} on this machine is no gateway`)
  process.kill(pid, 'SIGUSR2')
}

/** Resolves with the id of the process that serves in place of `before`; null when that still serves after `limit` ms. */
export async function awaitSuccessor(
  before: number,
  askPid: () => Promise<number>,
  limit: number,
): Promise<number | null> {
  const end = performance.now() + limit
  let since = performance.now()
  let latest = before
  while (performance.now() < end) {
    // Nobody may answer for a moment, while admin listeners change over.
    const pid = await askPid().catch(() => before)
    if (pid !== latest) since = performance.now()
    latest = pid
    if (pid !== before && performance.now() - since > CERTAIN) return pid
    await new Promise((resolve) => setTimeout(resolve, INTERVAL))
  }
  return null
}
