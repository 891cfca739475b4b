// A real gateway process on a temporary configuration, for end-to-end tests. It never outlives the test.
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'

const MAIN = new URL('../../src/cli/main.ts', import.meta.url).pathname
/** ms after which a wait has failed. */
const PATIENCE = 15_000

export type LogLine = Record<string, unknown> & { readonly msg?: string }

export const ENGINES = ['uws', 'node'] as const
export type Engine = (typeof ENGINES)[number]
export type Transport = 'wire' | 'undici'

/** A way through the gateway: an engine in front, a transport behind. */
export interface Road {
  readonly name: string
  readonly engine: Engine
  readonly transport: Transport
}

export const ROADS: readonly Road[] = ENGINES.flatMap((engine) =>
  (['wire', 'undici'] as const).map((transport) => ({ name: `${engine} and ${transport}`, engine, transport })),
)

export interface GatewayOptions {
  readonly env?: Readonly<Record<string, string>>
  /** More files beside gateway.yaml, by relative path. */
  readonly files?: Readonly<Record<string, string>>
  /** A configuration file that is there already, used instead of one of our own. */
  readonly at?: string
  /** Arguments after those that every gateway gets. */
  readonly argv?: readonly string[]
  /** A program to run in place of the one in src; it may become another one while the gateway runs. */
  readonly entry?: string
}

export class GatewayProcess {
  readonly directory: string
  readonly file: string
  readonly logs: LogLine[] = []
  readonly #child: ChildProcess
  readonly #waiting = new Set<() => void>()
  /** Lines that `waitForNext` is past. */
  #seen = 0
  #output = ''
  #errors = ''

  private constructor(directory: string, child: ChildProcess) {
    this.directory = directory
    this.file = join(directory, 'gateway.yaml')
    this.#child = child
    child.stdout!.setEncoding('utf8').on('data', (text: string) => this.#read(text))
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#errors += text
    })
    child.on('exit', () => this.#wake())
  }

  /** Starts and waits until it is ready; rejects with what it printed when it does not become so. */
  static async start(test: TestContext, yaml: string, options: GatewayOptions = {}): Promise<GatewayProcess> {
    const directory = await mkdtemp(join(tmpdir(), 'sluice-test-'))
    await writeFile(join(directory, 'gateway.yaml'), yaml)
    for (const [path, text] of Object.entries(options.files ?? {})) {
      await mkdir(dirname(join(directory, path)), { recursive: true })
      await writeFile(join(directory, path), text)
    }
    const child = spawn(
      process.execPath,
      [
        '--disable-warning=ExperimentalWarning',
        '--expose-gc',
        options.entry ?? MAIN,
        'run',
        '--config',
        options.at ?? join(directory, 'gateway.yaml'),
        ...(options.argv ?? []),
      ],
      { env: { ...process.env, ...options.env }, stdio: ['ignore', 'pipe', 'pipe'] },
    )
    const gateway = new GatewayProcess(directory, child)
    const kill = (): void => void child.kill('SIGKILL')
    process.once('exit', kill)
    test.after(async () => {
      process.off('exit', kill)
      await gateway.stop()
      await rm(directory, { recursive: true, force: true })
    })
    await gateway.waitForLog(({ msg }) => msg === 'ready')
    return gateway
  }

  get pid(): number {
    return this.#child.pid!
  }

  /** What it has said on standard error. */
  get errors(): string {
    return this.#errors
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  get exitCode(): number | null {
    return this.#child.exitCode
  }

  /** The real port of a listener, or of `admin`. */
  port(listener: string): number {
    const line = this.logs.findLast((log) => log.msg === 'listening' && log['listener'] === listener)
    if (line === undefined) throw new Error(`no listener ${listener} in ${this.#output}`)
    return line['port'] as number
  }

  /** Replaces the configuration in one step, as editors and tools do. */
  async configure(yaml: string): Promise<void> {
    await writeFile(`${this.file}.new`, yaml)
    await rename(`${this.file}.new`, this.file)
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Nobody reads its standard output any more, until `goOnReading`. */
  stopReading(): void {
    this.#child.stdout!.pause()
  }

  goOnReading(): void {
    this.#child.stdout!.resume()
  }

  /** Its standard output leads nowhere any more. */
  closeOutput(): void {
    this.#child.stdout!.destroy()
  }

  async waitForLog(wanted: (line: LogLine) => boolean): Promise<LogLine> {
    await this.#until(() => this.logs.some(wanted) || !this.running, 'a log line')
    const line = this.logs.find(wanted)
    if (line === undefined) throw new Error(`the gateway ended: ${this.#errors}${this.#output}`)
    return line
  }

  /** Like waitForLog, for a line that comes after those which were waited for so far. */
  async waitForNext(wanted: (line: LogLine) => boolean): Promise<LogLine> {
    const next = (): number => this.logs.findIndex((line, i) => i >= this.#seen && wanted(line))
    await this.#until(() => next() >= 0 || !this.running, 'another log line')
    const at = next()
    if (at < 0) throw new Error(`the gateway ended: ${this.#errors}${this.#output}`)
    this.#seen = at + 1
    return this.logs[at]!
  }

  /** Resident memory in bytes. */
  async memory(): Promise<number> {
    const status = await readFile(`/proc/${this.pid}/status`, 'utf8')
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)![1]) * 1024
  }

  /** CPU time so far, user and system, in ms. */
  async cpu(): Promise<number> {
    const fields = (await readFile(`/proc/${this.pid}/stat`, 'utf8')).split(') ')[1]!.split(' ')
    return (Number(fields[11]) + Number(fields[12])) * 10
  }

  /** SIGTERM, and the exit code; SIGKILL when it does not end. */
  async stop(): Promise<number | null> {
    if (!this.running) return this.exitCode
    this.#child.kill('SIGTERM')
    await this.#until(() => !this.running, 'the end of the gateway').catch((error: unknown) => {
      this.#child.kill('SIGKILL')
      throw error
    })
    return this.exitCode
  }

  #read(text: string): void {
    this.#output += text
    const lines = this.#output.split('\n')
    this.#output = lines.pop()!
    for (const line of lines) this.logs.push(JSON.parse(line) as LogLine)
    this.#wake()
  }

  #wake(): void {
    for (const look of this.#waiting) look()
  }

  #until(condition: () => boolean, what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (error: Error | null): void => {
        clearTimeout(timer)
        this.#waiting.delete(look)
        if (error === null) resolve()
        else reject(error)
      }
      const look = (): void => {
        if (condition()) end(null)
      }
      const timer = setTimeout(() => {
        const last = this.logs.slice(-5).map((line) => JSON.stringify(line))
        end(new Error(`waited in vain for ${what}; last: ${last.join('\n')} ${this.#errors}`))
      }, PATIENCE)
      this.#waiting.add(look)
      look()
    })
  }
}
