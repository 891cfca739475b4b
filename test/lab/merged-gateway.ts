// Workers with one admin API before them, for tests of it: real processes, which may be killed, stopped, and replaced.
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { FleetAdmin, WorkerAdmin } from '../../src/admin/merged/fleet.ts'
import { MergedAdmin } from '../../src/admin/merged/server.ts'
import type { ConfigurationStats } from '../../src/admin/stats-report.ts'
import { createLogger } from '../../src/telemetry/logger.ts'
import { Metrics } from '../../src/telemetry/metrics.ts'
import type { GatewayProcess } from './gateway.ts'

const WORKER = new URL('admin-worker.ts', import.meta.url).pathname

interface WorkerProcess extends WorkerAdmin {
  state: WorkerAdmin['state']
  readonly child: ChildProcess
  readonly port: number
  readonly file: string
}

export class MergedGateway implements FleetAdmin, Pick<GatewayProcess, 'port'> {
  readonly log = createLogger('silent')
  readonly metrics = new Metrics()
  readonly configuration: ConfigurationStats | null = null
  readonly control = null
  ready = true
  readonly directory: string
  readonly #yaml: string
  readonly #workers = new Map<number, WorkerProcess>()
  /** Sockets that others than workers serve. */
  readonly #others: WorkerAdmin[] = []
  #starts = 0
  #port = 0

  private constructor(directory: string, yaml: string) {
    this.directory = directory
    this.#yaml = yaml
  }

  static async start(
    test: TestContext,
    yaml: string,
    workers: number,
    token: string | null = null,
  ): Promise<MergedGateway> {
    const gateway = new MergedGateway(await mkdtemp(join(tmpdir(), 'sluice-merged-')), yaml)
    const admin = new MergedAdmin<FleetAdmin>(gateway)
    const listener = await admin.start({ bind: '127.0.0.1:0', token })
    gateway.#port = listener.port
    const kill = (): void => {
      for (const { child } of gateway.#workers.values()) child.kill('SIGKILL')
    }
    process.once('exit', kill)
    test.after(async () => {
      process.off('exit', kill)
      listener.close()
      kill()
      await rm(gateway.directory, { recursive: true, force: true })
    })
    await Promise.all(Array.from({ length: workers }, (_, i) => gateway.spawn(i + 1)))
    return gateway
  }

  workers(): readonly WorkerAdmin[] {
    const own = Array.from(this.#workers.values(), ({ number, pid, socket, state, restarts }) => ({
      number,
      pid,
      socket,
      state,
      restarts: restarts ?? 0,
    }))
    return [...own, ...this.#others]
  }

  /** Of the admin listener. */
  port(): number {
    return this.#port
  }

  worker(number: number): WorkerProcess {
    return this.#workers.get(number)!
  }

  /** A worker, or another one in the place of one that is gone. */
  async spawn(number: number): Promise<void> {
    const start = ++this.#starts
    const file = join(this.directory, `gateway-${start}.yaml`)
    const socket = join(this.directory, `worker-${start}.sock`)
    await writeFile(file, this.#yaml)
    const child = fork(WORKER, [file, socket], {
      execArgv: ['--disable-warning=ExperimentalWarning'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    const [{ port }] = (await once(child, 'message')) as [{ readonly port: number }]
    const restarts = (this.#workers.get(number)?.restarts ?? -1) + 1
    this.#workers.set(number, { number, pid: child.pid!, socket, state: 'ready', restarts, child, port, file })
  }

  async kill(number: number): Promise<void> {
    const { child } = this.worker(number)
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }

  /** Another configuration for all workers; each takes it up by itself. */
  async configure(yaml: string): Promise<void> {
    await Promise.all(Array.from(this.#workers.values(), ({ file }) => writeFile(file, yaml)))
  }

  /** What is no worker of this gateway pretends to be one. */
  pretend(number: number, socket: string): void {
    this.#others.push({ number, pid: number, socket, state: 'ready' })
  }

  /** So many requests to one worker, one after the other. */
  async send(number: number, path: string, count: number): Promise<void> {
    for (let i = 0; i < count; i++) await get(this.worker(number).port, path)
  }
}

function get(port: number, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = request({ port, path, host: '127.0.0.1', agent: false }, (response) => {
      response.resume().on('end', () => resolve())
    })
    sent.on('error', reject)
    sent.end()
  })
}
