// A real etcd on ports and a directory of its own, that a test can stop, kill, start again and rob of its data. It never
// outlives the test.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { refusingPort } from './upstreams.ts'

const PATIENCE = 30_000
const KEPT_OUTPUT = 4000

export interface EtcdServerOptions {
  /** More arguments of its command line. */
  readonly more?: readonly string[]
  /** It speaks TLS; `more` has its certificates. */
  readonly secure?: boolean
}

export class EtcdServer {
  readonly port: number
  readonly #options: EtcdServerOptions
  readonly #peerPort: number
  readonly #directory: string
  #child: ChildProcess | null = null

  private constructor(port: number, peerPort: number, directory: string, options: EtcdServerOptions) {
    this.port = port
    this.#options = options
    this.#peerPort = peerPort
    this.#directory = directory
  }

  static async start(test: Pick<TestContext, 'after'>, options: EtcdServerOptions = {}): Promise<EtcdServer> {
    const directory = await mkdtemp(join(tmpdir(), 'sluice-etcd-'))
    const server = new EtcdServer(await refusingPort(), await refusingPort(), directory, options)
    const kill = (): void => void server.#child?.kill('SIGKILL')
    process.once('exit', kill)
    test.after(async () => {
      process.off('exit', kill)
      await server.kill()
      await rm(directory, { recursive: true, force: true })
    })
    await server.run()
    return server
  }

  get url(): string {
    return `${this.#options.secure === true ? 'https' : 'http'}://127.0.0.1:${this.port}`
  }

  /** Starts it with the data that it had, on the same ports, and waits until it can be written to. */
  async run(): Promise<void> {
    const peer = `http://127.0.0.1:${this.#peerPort}`
    const options = [
      ['--data-dir', join(this.#directory, 'data')],
      ['--listen-client-urls', this.url],
      ['--advertise-client-urls', this.url],
      ['--listen-peer-urls', peer],
      ['--initial-advertise-peer-urls', peer],
      ['--initial-cluster', `default=${peer}`],
      ['--heartbeat-interval', '20'],
      ['--election-timeout', '200'],
      this.#options.more ?? [],
    ].flat()
    // Debian's etcd takes an architecture that it does not know for an error.
    const env = { ...process.env, ETCD_UNSUPPORTED_ARCH: process.arch === 'arm64' ? 'arm64' : '' }
    const child = spawn('etcd', [...options, '--unsafe-no-fsync'], { env, stdio: ['ignore', 'ignore', 'pipe'] })
    this.#child = child
    await ready(child)
  }

  /** Lets it end in order. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM')
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** It keeps its connections and answers nothing. */
  freeze(): void {
    this.#child!.kill('SIGSTOP')
  }

  thaw(): void {
    this.#child!.kill('SIGCONT')
  }

  /** Deletes all that it knows. It must not run. */
  async wipe(): Promise<void> {
    await rm(join(this.#directory, 'data'), { recursive: true, force: true })
  }

  /** Forgets the history before the present revision. */
  async compact(): Promise<void> {
    const { header } = await this.call<{ header: { revision: string } }>('kv/range', { key: 'AA==' })
    await this.call('kv/compaction', { revision: header.revision, physical: true })
  }

  /** Its JSON interface: what the library does not offer, for the test itself. */
  async call<T>(path: string, body: object): Promise<T> {
    const response = await fetch(`${this.url}/v3/${path}`, { method: 'POST', body: JSON.stringify(body) })
    if (!response.ok) throw new Error(`etcd answers ${path} with ${response.status}: ${await response.text()}`)
    return (await response.json()) as T
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    this.#child = null
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill(signal)
    await ended
  }
}

/** It prints a lot; the line that counts comes when it serves clients. */
function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = ''
    const timer = setTimeout(() => reject(new Error(`etcd is not ready: ${output}`)), PATIENCE)
    const end = (error: Error | null): void => {
      clearTimeout(timer)
      if (error === null) resolve()
      else reject(error)
    }
    child.once('error', (error) => end(new Error(`etcd cannot be run: ${error.message}`)))
    child.once('exit', () => end(new Error(`etcd ended: ${output}`)))
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-KEPT_OUTPUT)
      if (/serving (?:insecure )?client/.test(output)) end(null)
    })
  })
}
