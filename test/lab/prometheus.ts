// Debian's Prometheus on a port and a directory of its own. It never outlives the test.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { until } from './poll.ts'
import { refusingPort } from './upstreams.ts'

/** Resolves with what it printed when it is content; rejects with that when it is not. */
export function promtool(...argv: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile('promtool', argv, (error, out, err) => {
      if (error === null) resolve(out + err)
      else reject(new Error(`promtool ${argv.join(' ')}: ${error.message}\n${out}${err}`))
    })
  })
}

/** What `promtool check metrics` says of a scrape: '' when it is content. */
export function checkMetrics(text: string): Promise<string> {
  return new Promise((resolve) => {
    const child = execFile('promtool', ['check', 'metrics'], (error, out, errors) =>
      resolve(out + errors + (error === null ? '' : error.message)),
    )
    child.stdin!.end(text)
  })
}

interface Answer<T> {
  readonly status: string
  readonly error?: string
  readonly data: T
}

export class Prometheus {
  readonly #url: string

  private constructor(url: string) {
    this.#url = url
  }

  static async start(test: TestContext, configuration: string): Promise<Prometheus> {
    const directory = await mkdtemp(join(tmpdir(), 'sluice-prometheus-'))
    const file = join(directory, 'prometheus.yaml')
    await writeFile(file, configuration)
    const address = `127.0.0.1:${await refusingPort()}`
    const child = spawn(
      'prometheus',
      [`--config.file=${file}`, `--storage.tsdb.path=${join(directory, 'data')}`, `--web.listen-address=${address}`],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    )
    let output = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-4000)))
    const kill = (): void => void child.kill('SIGKILL')
    process.once('exit', kill)
    test.after(async () => {
      process.off('exit', kill)
      if (child.exitCode === null && child.signalCode === null) {
        const ended = once(child, 'exit')
        kill()
        await ended
      }
      await rm(directory, { recursive: true, force: true })
    })
    const prometheus = new Prometheus(`http://${address}`)
    await until(async () => {
      if (child.exitCode !== null) throw new Error(`prometheus ended: ${output}`)
      return fetch(`http://${address}/-/ready`).then(
        ({ ok }) => ok,
        () => false,
      )
    }, 'prometheus')
    return prometheus
  }

  /** `path` below /api/v1, such as `rules`. Rejects when Prometheus finds fault with it. */
  async get<T>(path: string, parameters: Readonly<Record<string, string>> = {}): Promise<T> {
    const response = await fetch(`${this.#url}/api/v1/${path}?${new URLSearchParams(parameters).toString()}`)
    const { status, error, data } = (await response.json()) as Answer<T>
    if (status !== 'success') throw new Error(`${path} ${JSON.stringify(parameters)}: ${error}`)
    return data
  }
}
