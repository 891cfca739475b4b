// Runs what the image would run, as much like a container as this machine allows: as root with a root directory of its own
// that cannot be written to, a /tmp in memory, as process 1 and as the image's user; else as a plain process in the same
// directory. The base image's libraries are those of this machine.
import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdir, readFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { until } from '../poll.ts'
import { environmentOf, execForm, healthCheckOf, only, type Stage } from './dockerfile.ts'

/** $1: the root directory; $2: user:group; the rest is the command. Mounts end with the process. */
const ENTER = `set -eu
root=$1 user=$2
shift 2
mount --bind "$root" "$root"
mount --rbind /usr/lib "$root/usr/lib"
if [ -d /usr/lib64 ]; then mount --rbind /usr/lib64 "$root/usr/lib64"; fi
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
mount -o remount,bind,ro "$root"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
exec chroot --userspec="$user" --groups= "$root" "$@"
`

function canEnter(): boolean {
  if (process.getuid?.() !== 0) return false
  try {
    execFileSync('unshare', ['--mount', '--pid', '--fork', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'], {
      stdio: 'ignore',
    })
    return true
  } catch {
    return false
  }
}

export class Container {
  /** Isolated as described above, or a plain process. */
  readonly isolated: boolean
  readonly lines: { readonly msg?: string; readonly [field: string]: unknown }[] = []
  readonly #stage: Stage
  readonly #root: string
  readonly #environment: Record<string, string>
  #child: ChildProcess | null = null
  #errors = ''

  constructor(stage: Stage, root: string, environment: Record<string, string> = {}) {
    this.isolated = canEnter()
    this.#stage = stage
    this.#root = root
    this.#environment = { PATH: '/usr/local/bin:/usr/bin:/bin', ...environmentOf(stage), ...environment }
  }

  /** Runs ENTRYPOINT with CMD, or with other arguments. */
  async start(test: TestContext, argv = execForm(only(this.#stage, 'CMD').text)): Promise<void> {
    const command = [...execForm(only(this.#stage, 'ENTRYPOINT').text), ...argv]
    await this.#furnish()
    const user = only(this.#stage, 'USER').text
    const [program = '', ...rest] = this.isolated
      ? [
          'unshare',
          '--mount',
          '--pid',
          '--fork',
          '--kill-child',
          'bash',
          '-c',
          ENTER,
          'enter',
          this.#root,
          user,
          ...command,
        ]
      : this.#outside(command)
    const child = spawn(program, rest, { env: this.#environmentOutside(), stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child = child
    const kill = (): void => void child.kill('SIGKILL')
    process.once('exit', kill)
    test.after(() => {
      process.off('exit', kill)
      kill()
    })
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (more: string) => {
      const lines = (text + more).split('\n')
      text = lines.pop()!
      this.lines.push(...lines.map((line) => JSON.parse(line) as { msg?: string }))
    })
    child.stderr.setEncoding('utf8').on('data', (more: string) => (this.#errors += more))
    await this.logged('ready')
  }

  async logged(msg: string): Promise<void> {
    const ended = (): boolean => this.#child!.exitCode !== null || this.#child!.signalCode !== null
    const there = (): boolean => this.lines.some((line) => line.msg === msg)
    await until(() => there() || ended(), `"${msg}" in ${JSON.stringify(this.lines)} ${this.#errors}`)
    if (!there()) throw new Error(`it ended: ${this.#errors}${JSON.stringify(this.lines)}`)
  }

  port(listener: string): number {
    return this.lines.find((line) => line.msg === 'listening' && line['listener'] === listener)!['port'] as number
  }

  /** The gateway itself, as this machine counts processes. */
  get pid(): number {
    const { pid } = this.#child!
    if (!this.isolated) return pid!
    return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim())
  }

  /** A line of the kernel's status of the process. */
  async status(name: string): Promise<string> {
    const text = await readFile(`/proc/${this.pid}/status`, 'utf8')
    return new RegExp(`^${name}:\\s+(.*)$`, 'm').exec(text)![1]!
  }

  /** Runs the health check in the same surroundings; resolves with its exit code. */
  probe(environment: Record<string, string>): Promise<number> {
    const { command } = healthCheckOf(only(this.#stage, 'HEALTHCHECK'))
    const [user = '', group = ''] = only(this.#stage, 'USER').text.split(':')
    const inside = [
      '--target',
      String(this.pid),
      '--mount',
      '--pid',
      '--root',
      '--wd=/',
      '--setuid',
      user,
      '--setgid',
      group,
    ]
    const [program = '', ...rest] = this.isolated ? ['nsenter', ...inside, ...command] : this.#outside(command)
    return new Promise((resolve) => {
      execFile(program, rest, { env: { ...this.#environmentOutside(), ...environment } }, (error) =>
        resolve(error === null ? 0 : Number(error.code)),
      )
    })
  }

  /** Sends the image's stop signal. */
  stop(): void {
    process.kill(this.pid, only(this.#stage, 'STOPSIGNAL').text)
  }

  async ended(): Promise<number | null> {
    const child = this.#child!
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    return child.exitCode
  }

  /** Where the mounts go. */
  async #furnish(): Promise<void> {
    for (const folder of ['usr/lib', 'usr/lib64', 'dev', 'proc', 'tmp']) {
      await mkdir(join(this.#root, folder), { recursive: true })
    }
    await symlink('usr/lib', join(this.#root, 'lib'))
    await symlink('usr/lib64', join(this.#root, 'lib64'))
  }

  /** The same command for a process that sees the whole machine. */
  #outside(command: readonly string[]): string[] {
    const [, ...rest] = command
    return [process.execPath, ...rest.map((word) => (word.startsWith('/') ? join(this.#root, word) : word))]
  }

  /** The programs that make the surroundings are found by our own PATH; the image's is its beginning. */
  #environmentOutside(): NodeJS.ProcessEnv {
    return { ...this.#environment, PATH: `${this.#environment['PATH']}:${process.env['PATH']}` }
  }
}
