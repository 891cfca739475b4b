// `sluice run`: the first process, or a generation that it has started.
import type { Logs } from '../telemetry/logs.ts'
import { takeMark, type Generation, type Mark } from './generation.ts'
import { Inheritance } from './inheritance.ts'
import { KeeperLink } from './keeper-link.ts'
import { Keeper } from './keeper.ts'
import { writePidFile } from './pid-file.ts'
import { onSignals } from './signals.ts'

export interface ServeOptions {
  readonly logs: Logs
  /** Starts what this process runs. */
  readonly start: (inheritance: Inheritance) => Promise<Generation>
  /** Why it could not start, for people. */
  readonly explain: (error: unknown) => string
  /** ms that the next generation may take until it is healthy. */
  readonly startLimit: number
  readonly pidFile: string | null
}

/** Never resolves: it ends the process. */
export function serve(options: ServeOptions): Promise<never> {
  const mark = takeMark(process.env)
  process.once('exit', () => options.logs.writeNow())
  // What reads it may be gone, and lines on it are not worth a process.
  process.stderr.on('error', () => {})
  return mark === null ? serveFirst(options) : serveNext(options, mark)
}

async function serveFirst({ logs, start, explain, startLimit, pidFile }: ServeOptions): Promise<never> {
  const { log } = logs
  let keeper: Keeper | null = null
  const end = async (code: number): Promise<void> => {
    await logs.close()
    // uWS keeps the loop alive for a while after its last socket is closed.
    process.exit(code)
  }
  onSignals({
    stop(signal) {
      log.info({ signal }, 'draining')
      void (keeper?.stop() ?? Promise.resolve(0)).then((cut) => {
        log.info({ cut }, 'stopped')
        return end(0)
      })
    },
    abort() {
      keeper?.abort()
      process.exit(1)
    },
    reload: () => keeper?.reload(),
    reopenLogs() {
      logs.reopen()
      keeper?.reopenLogs()
    },
    restart: () => void keeper?.restart(),
  })
  try {
    const generation = await start(new Inheritance())
    if (pidFile !== null) process.once('exit', writePidFile(pidFile))
    keeper = new Keeper(generation, { log, startLimit, ended: (code) => void end(code) })
  } catch (error) {
    process.stderr.write(`${explain(error)}\n`)
    process.exit(1)
  }
  return new Promise(() => {})
}

async function serveNext({ logs, start, explain }: ServeOptions, mark: Mark): Promise<never> {
  const { log } = logs
  let generation: Generation | null = null
  let isStopping = false
  const stop = (why: string, succeeded: boolean): void => {
    if (isStopping) return
    isStopping = true
    log.info({ why, generation: mark.number }, 'draining')
    void (generation?.stop(undefined, succeeded) ?? Promise.resolve(0)).then(async (cut) => {
      log.info({ cut, generation: mark.number }, 'stopped')
      await logs.close()
      process.exit(0)
    })
  }
  const link = new KeeperLink(mark, { stop })
  onSignals({
    stop: (signal) => stop(signal, false),
    abort: () => process.exit(1),
    reload: () => void generation?.reload(),
    reopenLogs: () => logs.reopen(),
    restart: () => link.restart(),
  })
  try {
    generation = await start(link.inheritance)
    link.started(generation)
  } catch (error) {
    await link.failed(explain(error))
    process.stderr.write(`${explain(error)}\n`)
    process.exit(1)
  }
  return new Promise(() => {})
}
