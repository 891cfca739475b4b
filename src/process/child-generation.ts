// A generation in a process of its own, as the first process sees it.
import type { ChildProcess } from 'node:child_process'
import { writeMark, type Generation, type Mark, type Order, type Report } from './generation.ts'
import type { NamedAddresses } from './inheritance.ts'
import type { CommandLine } from './launch.ts'
import { startProcess } from './start-process.ts'

/** ms between two questions whether it is alive. */
const PING_INTERVAL = 50
/** ms in which each must be answered: meanwhile it may hold clients that nobody serves. */
const PONG_LIMIT = 5_000
/** ms for which it must have been ready before it serves alone. */
const PROBATION = 300
/** ms of silence after which a generation that is to end hangs: the kernel gives it clients that nobody serves. */
const SILENCE = 10_000
/** ms that a generation which is not wanted has to let go of the clients that it took. */
const DISMISSAL = 5_000
/** ms after its end for what it has said on standard error. */
const LAST_WORDS = 200
/** Bytes of standard error that are kept, for the reason. */
const MOST_ERRORS = 2048

export interface Ending {
  /** null: a signal has ended it. */
  readonly code: number | null
  readonly reason: string
}

export class ChildGeneration implements Generation {
  readonly number: number
  readonly #child: ChildProcess
  /** Settles when the process has ended; never rejects. */
  readonly ended: Promise<Ending>
  /** Called when somebody has asked this generation for a restart. */
  onRestart: () => void = () => {}
  ready = false
  #addresses: NamedAddresses
  #hasStarted = false
  #reason = ''
  #errors = ''
  #pings = 0
  readonly #listeners = new Set<(report: Report | null) => void>()

  constructor({ command, argv }: CommandLine, mark: Mark) {
    this.number = mark.number
    this.#addresses = new Map(mark.addresses)
    // A session of its own: Ctrl-C in a terminal is for the first process, which passes it on.
    this.#child = startProcess(command, argv, {
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
      env: { ...process.env, ...writeMark(mark) },
      detached: true,
    })
    this.#child.on('message', (message) => this.#read(message))
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      process.stderr.write(text)
      this.#errors = (this.#errors + text).slice(-MOST_ERRORS)
    })
    this.ended = new Promise((resolve) => {
      const end = (code: number | null, how: string): void => {
        this.ready = false
        for (const listener of this.#listeners) listener(null)
        resolve({ code, reason: this.#reason || [how, this.#errors.trim()].filter(Boolean).join(': ') })
      }
      this.#child.once('error', ({ message }) => end(null, message))
      this.#child.once('exit', (code, signal) => {
        const how = signal === null ? `exit code ${code}` : signal
        // With the last bytes of standard error, unless a process that it has left behind holds that open.
        const timer = setTimeout(() => end(code, how), LAST_WORDS)
        this.#child.once('close', () => {
          clearTimeout(timer)
          end(code, how)
        })
      })
    })
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  get addresses(): NamedAddresses {
    return this.#addresses
  }

  /** Resolves when it serves and is well. Rejects with the reason when it ends, or is not so far after `limit` ms. */
  async becomeHealthy(limit: number): Promise<void> {
    await this.#await((report) => report.report === 'started', limit, `it has not started within ${limit} ms`)
    const since = performance.now()
    do {
      const alive = await this.ping()
      if (!alive) throw new Error('it is not ready')
      await new Promise((resolve) => setTimeout(resolve, PING_INTERVAL))
    } while (performance.now() - since < PROBATION)
  }

  /** Is it ready? Rejects when it does not answer. */
  async ping(limit = PONG_LIMIT): Promise<boolean> {
    const id = ++this.#pings
    this.#send({ order: 'ping', id })
    await this.#await((report) => report.report === 'alive' && report.id === id, limit, 'it does not answer')
    return this.ready
  }

  reload(): Promise<void> {
    this.#send({ order: 'reload' })
    return Promise.resolve()
  }

  reopenLogs(): void {
    this.#send({ order: 'reopen-logs' })
  }

  complete(): void {
    this.#send({ order: 'complete' })
  }

  /** It keeps its own limit, while its event loop turns. Resolves when it has ended. */
  async stop(_limit?: number, succeeded = false): Promise<number> {
    this.#send({ order: 'stop', succeeded })
    const look = (): void => void this.ping(SILENCE).catch(() => this.kill())
    look()
    const timer = setInterval(look, SILENCE)
    await this.ended
    clearInterval(timer)
    return 0
  }

  /** It never served alone: whom it took beside another may go in peace, if it still can do anything at all. */
  async dismiss(): Promise<void> {
    const timer = setTimeout(() => this.kill(), DISMISSAL)
    if (this.#hasStarted) this.#send({ order: 'stop', succeeded: true })
    else this.kill()
    await this.ended
    clearTimeout(timer)
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  /** With its workers, which would finish their requests otherwise. */
  abort(): void {
    const { pid } = this
    if (pid === 0) return
    try {
      process.kill(-pid, 'SIGKILL')
    } catch {
      // All are gone.
    }
  }

  #read(message: unknown): void {
    const report = message as Report
    if (report.report === 'failed') this.#reason = report.reason
    if (report.report === 'restart') this.onRestart()
    if (report.report === 'alive') this.ready = report.ready
    if (report.report === 'started') this.#hasStarted = true
    if (report.report === 'alive' || report.report === 'started') this.#addresses = new Map(report.addresses)
    for (const listener of this.#listeners) listener(report)
  }

  #send(order: Order): void {
    // Who is gone, or going, is told nothing; `ended` says the rest.
    if (this.#child.connected) this.#child.send(order, () => {})
  }

  #await(wanted: (report: Report) => boolean, limit: number, complaint: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const finish = (): void => {
        clearTimeout(timer)
        this.#listeners.delete(listener)
      }
      const listener = (report: Report | null): void => {
        if (report !== null && !wanted(report)) return
        finish()
        if (report !== null) resolve()
        else void this.ended.then(({ reason }) => reject(new Error(reason)))
      }
      const timer = setTimeout(() => {
        finish()
        reject(new Error(complaint))
      }, limit)
      this.#listeners.add(listener)
      void this.ended.then(() => listener(null))
    })
  }
}
