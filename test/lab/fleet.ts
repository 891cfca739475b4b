// A gateway with several workers and a plugin that tells which of them answers, for tests of what happens to processes.
import { readdir, readFile } from 'node:fs/promises'
import type { TestContext } from 'node:test'
import { GatewayProcess, type LogLine } from './gateway.ts'
import { RawClient } from './raw-client.ts'

/** Answers with the process and a version of the configuration, and misbehaves when asked to. */
const PROBE = `import { definePlugin, NEXT, Type } from 'sluice/plugin'
import { mkdirSync } from 'node:fs'
export default definePlugin({
  name: 'probe',
  schema: Type.Object({ version: Type.Integer(), alone: Type.Optional(Type.String()) }),
  compile({ version, alone }) {
    if (version < 0) throw new Error('no version is below 0')
    if (alone !== undefined) mkdirSync(alone)
    return {
      access(x) {
        if (x.path === '/probe') return x.respond(200, [], process.pid + ' ' + version)
        if (x.path === '/exit') process.exit(3)
        return NEXT
      },
    }
  },
})
`

export interface Seen {
  readonly pid: number
  readonly version: number
}

export class FleetLab {
  readonly gateway: GatewayProcess
  readonly #test: TestContext
  readonly #workers: number
  readonly #engine: string

  private constructor(test: TestContext, gateway: GatewayProcess, workers: number, engine: string) {
    this.#test = test
    this.gateway = gateway
    this.#workers = workers
    this.#engine = engine
  }

  static async start(test: TestContext, workers: number, engine = 'uws'): Promise<FleetLab> {
    const gateway = await GatewayProcess.start(test, yaml(workers, engine, 'version: 1'), {
      files: { 'plugins/probe.ts': PROBE },
    })
    return new FleetLab(test, gateway, workers, engine)
  }

  get port(): number {
    return this.gateway.port('public')
  }

  /** Replaces the configuration; `options` are those of the probe. */
  configure(options: string): Promise<void> {
    return this.gateway.configure(yaml(this.#workers, this.#engine, options))
  }

  connect(): Promise<RawClient> {
    return RawClient.connect(this.#test, this.port)
  }

  /** Processes that serve or wait: the workers and the spare one. */
  async children(): Promise<number[]> {
    return childrenOf(this.gateway.pid)
  }

  /** Processes of the workers, by number, as the log tells. */
  get workers(): ReadonlyMap<number, number> {
    const ready = this.gateway.logs.filter(({ msg }) => msg === 'worker ready')
    return new Map(ready.map((line) => [line['worker'] as number, line['pid'] as number]))
  }

  /** Waits until there is a spare process too. */
  lineOf(worker: number, msg: string): (line: LogLine) => boolean {
    return (line) => line.msg === msg && line['worker'] === worker
  }
}

export async function probe(client: RawClient): Promise<Seen> {
  const [pid, version] = (await client.get('/probe')).body.toString().split(' ').map(Number)
  return { pid: pid!, version: version! }
}

export async function childrenOf(parent: number): Promise<number[]> {
  const found: number[] = []
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '')
    const [state, ppid] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (Number(ppid) === parent && state !== 'Z') found.push(Number(name))
  }
  return found
}

export function lives(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

function yaml(workers: number, engine: string, probe: string): string {
  return `version: 1
workers: ${workers}
listeners: [{ name: public, bind: "127.0.0.1:0", engine: ${engine} }]
pluginDirectories: [./plugins]
plugins: { probe: { ${probe} } }
routes:
  - { name: all, match: { path: /** }, respond: { body: "ok\\n" } }
`
}
