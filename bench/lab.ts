// What the soak runs and road benchmarks share: a gateway process of its own, on free ports, and its figures.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const ROOT = new URL('..', import.meta.url).pathname

export class Process {
  readonly child: ChildProcess
  output = ''

  constructor(command: string, argv: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.child = spawn(command, argv, {
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
      env: { ...process.env, ...env },
    })
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => (this.output += text))
    const kill = (): void => void this.child.kill('SIGKILL')
    process.once('exit', kill)
    this.child.once('exit', () => process.off('exit', kill))
  }

  /** Value in kB of a line of /proc/PID/status. */
  async kilobytes(name: string): Promise<number> {
    const status = await readFile(`/proc/${this.child.pid}/status`, 'utf8')
    return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)![1])
  }

  /** CPU time, user and system, in microseconds. */
  async cpu(): Promise<number> {
    const { user, system } = await this.times()
    return user + system
  }

  /** CPU time in microseconds. */
  async times(): Promise<{ readonly user: number; readonly system: number }> {
    const fields = (await readFile(`/proc/${this.child.pid}/stat`, 'utf8')).split(') ')[1]!.split(' ')
    return { user: Number(fields[11]) * 10_000, system: Number(fields[12]) * 10_000 }
  }

  /** Asks what was loaded into it (bench/probe) and returns what it says. */
  async ask<T>(message: string): Promise<T> {
    const answer = once(this.child, 'message') as Promise<[T]>
    this.child.send(message)
    return (await answer)[0]
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once('exit', resolve))
    this.child.kill('SIGTERM')
    await ended
  }
}

export class Gateway extends Process {
  readonly file: string

  private constructor(file: string, command: string, argv: readonly string[]) {
    super(command, argv)
    this.file = file
  }

  /** `prefix`: a command that runs it, such as `taskset -c 0`; `root`: another checkout; `flags`: for node. */
  static async start(
    yaml: string,
    {
      prefix = [],
      root = ROOT,
      flags = [],
    }: Partial<Record<'prefix' | 'flags', readonly string[]>> & { root?: string } = {},
  ): Promise<Gateway> {
    const directory = await mkdtemp(join(tmpdir(), 'sluice-bench-'))
    const file = join(directory, 'gateway.yaml')
    await writeFile(file, yaml)
    const [command, ...argv] = [
      ...prefix,
      process.execPath,
      '--disable-warning=ExperimentalWarning',
      ...flags,
      join(root, 'src/cli/main.ts'),
      'run',
      '--config',
      file,
    ]
    const gateway = new Gateway(file, command, argv)
    gateway.child.once('exit', () => void rm(directory, { recursive: true, force: true }))
    await until(() => gateway.output.includes('"ready"'), 'the gateway to be ready')
    return gateway
  }

  port(listener: string): number {
    const lines = this.output
      .split('\n')
      .filter((line) => line.includes('"listening"') && line.includes(`"${listener}"`))
    return (JSON.parse(lines.at(-1)!) as { port: number }).port
  }
}

export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  patience = 15_000,
): Promise<void> {
  const deadline = performance.now() + patience
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

export function mib(kilobytes: number): string {
  return `${(kilobytes / 1024).toFixed(0)} MiB`
}
