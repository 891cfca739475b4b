// What tests of restarts share.
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { GatewayProcess, LogLine } from './gateway.ts'

const MAIN = new URL('../../src/cli/main.ts', import.meta.url)

export const SERVES = ({ msg }: LogLine): boolean => msg === 'restart: the next generation serves'
export const LEFT = ({ msg }: LogLine): boolean => msg === 'restart: the generation before has left'

/** Returns the process that serves then, when the one before has left. */
export async function restart(gateway: GatewayProcess): Promise<number> {
  gateway.signal('SIGUSR2')
  const { pid } = await gateway.waitForNext(SERVES)
  await gateway.waitForNext(LEFT)
  return pid as number
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Nobody listens there. */
export function isRefused(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.once('connect', () => {
      socket.destroy()
      resolve(false)
    })
    socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code === 'ECONNREFUSED'))
  })
}

/** A temporary directory, with a short name. */
export async function temporaryDirectory(test: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-restart-'))
  test.after(() => rm(directory, { recursive: true, force: true }))
  return directory
}

/** A program that is the gateway, until it is replaced. */
export async function makeEntry(test: TestContext) {
  const path = join(await temporaryDirectory(test), 'main.mjs')
  await writeFile(path, `await import('${MAIN.href}')\n`)
  return {
    path,
    async replace(code: string): Promise<void> {
      await writeFile(`${path}.new`, `${code}\n`)
      await rename(`${path}.new`, path)
    },
  }
}
