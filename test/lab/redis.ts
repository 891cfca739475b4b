// A real redis-server on a port of its own, that a test can stop, freeze and start again. It never outlives the test.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { TestContext } from 'node:test'
import { Redis } from 'ioredis'
import { refusingPort } from './upstreams.ts'

const PATIENCE = 15_000

export class RedisServer {
  readonly port: number
  #child: ChildProcess | null = null

  private constructor(port: number) {
    this.port = port
  }

  static async start(test: TestContext): Promise<RedisServer> {
    const server = new RedisServer(await refusingPort())
    const kill = (): void => void server.#child?.kill('SIGKILL')
    process.once('exit', kill)
    test.after(async () => {
      process.off('exit', kill)
      await server.kill()
    })
    await server.run()
    return server
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`
  }

  /** Starts it, empty, on the same port as before. */
  async run(): Promise<void> {
    const options = ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
    const child = spawn('redis-server', options, { stdio: ['ignore', 'pipe', 'inherit'] })
    this.#child = child
    await new Promise<void>((resolve, reject) => {
      let output = ''
      const timer = setTimeout(() => reject(new Error(`redis-server is not ready: ${output}`)), PATIENCE)
      const end = (error: Error | null): void => {
        clearTimeout(timer)
        if (error === null) resolve()
        else reject(error)
      }
      child.once('error', (error) => end(new Error(`redis-server cannot be run: ${error.message}`)))
      child.once('exit', () => end(new Error(`redis-server ended: ${output}`)))
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        output += text
        if (output.includes('Ready to accept connections')) end(null)
      })
    })
  }

  async kill(): Promise<void> {
    const child = this.#child
    this.#child = null
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }

  /** It keeps its connections and answers nothing. */
  freeze(): void {
    this.#child!.kill('SIGSTOP')
  }

  thaw(): void {
    this.#child!.kill('SIGCONT')
  }

  /** Runs one command, for the test itself. */
  async command(name: string, ...values: readonly string[]): Promise<unknown> {
    const client = new Redis(this.url)
    try {
      return await client.call(name, ...values)
    } finally {
      client.disconnect()
    }
  }
}
