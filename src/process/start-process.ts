// A process that cannot even be begun is one that fails, as any other does.
import { ChildProcess, spawn, type SpawnOptions } from 'node:child_process'

/**
 * Like `spawn`, which throws where there is no memory, say, and emits `error` where there is no file: here all of it comes
 * as `error`. Without descriptors for them the child has no pipes.
 */
export function startProcess(command: string, argv: readonly string[], options: SpawnOptions): ChildProcess {
  try {
    return spawn(command, argv, options)
  } catch (error) {
    const child = new ChildProcess()
    process.nextTick(() => child.emit('error', error))
    return child
  }
}
