// Wires the rooms together: the only file that knows everyone.
import { readdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { startAdmin } from './admin/server.ts'
import { canonicalPath } from './base/canonical-path.ts'
import { LiveStates } from './base/live-states.ts'
import { TimerWheel } from './base/timer-wheel.ts'
import type { PluginInstance } from './chain/compile.ts'
import type { CompiledSnapshot, LiveState } from './compile/snapshot.ts'
import { formatProblem } from './config/problem.ts'
import type { GatewayConfig, ListenerConfig } from './config/schema.ts'
import type { Listener } from './contract/listener.ts'
import type { Plugin } from './contract/plugin.ts'
import { FileSource } from './control/file-source.ts'
import { loadPlugin } from './control/plugin-directory.ts'
import { compile, InvalidConfiguration, validate } from './control/publish.ts'
import { listenNode } from './listeners/node/listener.ts'
import { listenUws } from './listeners/uws/listener.ts'
import { drain } from './process/drain.ts'
import { MainRoad } from './road/handle.ts'
import { retire, swap } from './road/pin.ts'
import type { Logger } from './telemetry/logger.ts'
import type { RoundRobin } from './upstreams/round-robin.ts'
import type { LiveEndpoint } from './upstreams/upstream.ts'

const BUILT_IN_PLUGINS = new URL('../plugins/', import.meta.url)

/** The plugins that come with the gateway. */
export async function builtInPlugins(): Promise<Plugin[]> {
  const entries = await readdir(BUILT_IN_PLUGINS, { withFileTypes: true })
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
  return Promise.all(
    names.toSorted().map((name) => loadPlugin(new URL(`${name}/plugin.ts`, BUILT_IN_PLUGINS).pathname)),
  )
}

/** State that outlives snapshots; empty at first. */
export function createLiveState(plugins: ReadonlyMap<string, Plugin>, wheel: TimerWheel, log: Logger): LiveState {
  return {
    upstreams: {
      endpoints: new LiveStates<LiveEndpoint>((endpoint) => endpoint.transport.close()),
      balancers: new LiveStates<RoundRobin>(() => {}),
      wheel,
    },
    splits: new LiveStates<RoundRobin>(() => {}),
    plugins: {
      available: plugins,
      instances: new LiveStates<PluginInstance>(({ plugin, phases }) => {
        // An instance that fails to stop is reported; nothing waits for it.
        Promise.resolve()
          .then(() => phases.stop?.())
          .catch((error: unknown) => log.error({ plugin, err: error }, 'plugin failed to stop'))
      }),
      host: (plugin) => ({ log: prefixed(log, plugin) }),
    },
  }
}

function prefixed(log: Logger, plugin: string): Logger {
  return {
    debug: (fields, message) => log.debug({ plugin, ...fields }, message),
    info: (fields, message) => log.info({ plugin, ...fields }, message),
    warn: (fields, message) => log.warn({ plugin, ...fields }, message),
    error: (fields, message) => log.error({ plugin, ...fields }, message),
  }
}

/** A running gateway on one configuration file. */
export class Gateway {
  ready = false
  readonly #file: string
  readonly #log: Logger
  readonly #wheel = new TimerWheel()
  readonly #listeners = new Map<string, Listener>()
  readonly #builtIn: readonly Plugin[]
  readonly #source: FileSource
  #admin: { readonly bind: string; readonly listener: Listener } | null = null
  #live!: LiveState
  #road!: MainRoad
  #snapshot!: CompiledSnapshot

  private constructor(file: string, builtIn: readonly Plugin[], log: Logger) {
    this.#file = file
    this.#builtIn = builtIn
    this.#log = log
    this.#source = new FileSource(file, {
      changed: (text) => this.#reload(text),
      failed: (error) => log.error({ file, err: error }, 'configuration file cannot be read; the last good one serves'),
    })
  }

  /** Reads, compiles and listens. Rejects with InvalidConfiguration, or with the error of a file or an address. */
  static async start(file: string, log: Logger): Promise<Gateway> {
    const gateway = new Gateway(resolve(file), await builtInPlugins(), log)
    try {
      await gateway.#start()
    } catch (error) {
      await gateway.stop(0)
      throw error
    }
    return gateway
  }

  get snapshot(): CompiledSnapshot {
    return this.#snapshot
  }

  async #start(): Promise<void> {
    const validated = await validate(await this.#source.read(), this.#file, this.#builtIn)
    this.#live = createLiveState(validated.plugins, this.#wheel, this.#log)
    this.#snapshot = compile(validated, 1, this.#live)
    this.#road = new MainRoad(this.#snapshot, this.#wheel, this.#log)
    const { config } = validated.valid
    await this.#listen(config)
    await this.#source.watch()
    this.ready = true
    this.#log.info({ version: 1, routes: config.routes.length }, 'ready')
  }

  /** Opens what is new, then closes what is gone. Rejects, with nothing changed, when an address cannot be had. */
  async #listen(config: GatewayConfig): Promise<void> {
    const wanted = new Map(config.listeners.map((listener) => [listenerKey(listener), listener]))
    const opened: [string, Listener][] = []
    let admin = this.#admin
    try {
      for (const [key, listener] of wanted) {
        if (!this.#listeners.has(key)) opened.push([key, await this.#open(listener)])
      }
      const bind = config.admin?.bind
      if (bind !== admin?.bind) admin = bind === undefined ? null : { bind, listener: await startAdmin(bind, this) }
    } catch (error) {
      for (const [, listener] of opened) listener.close()
      throw error
    }
    for (const [key, listener] of opened) this.#listeners.set(key, listener)
    for (const [key, listener] of this.#listeners) {
      if (wanted.has(key)) continue
      this.#listeners.delete(key)
      const limit = config.drainTimeout ?? DRAIN_TIMEOUT
      void drain([listener], limit)
    }
    if (admin !== this.#admin) {
      this.#admin?.listener.close()
      this.#admin = admin
    }
    for (const listener of [...opened.map(([, listener]) => listener), ...(admin === null ? [] : [admin.listener])]) {
      const { name, address, port } = listener
      this.#log.info({ listener: name, address, port }, 'listening')
    }
  }

  #open(config: ListenerConfig): Promise<Listener> {
    const rules = config.canonicalPath ?? {}
    const options = {
      name: config.name,
      bind: config.bind,
      canonicalPath: (raw: string) => canonicalPath(raw, rules),
    }
    return config.engine === 'node' ? listenNode(options, this.#road) : listenUws(options, this.#road)
  }

  /** Reads the file again now, as SIGHUP asks. */
  reload(): Promise<void> {
    return this.#source.check(true)
  }

  // An invalid configuration changes nothing: the last good snapshot keeps serving.
  async #reload(text: string): Promise<void> {
    let next: CompiledSnapshot | null = null
    try {
      const validated = await validate(text, this.#file, this.#builtIn)
      const live: LiveState = { ...this.#live, plugins: { ...this.#live.plugins, available: validated.plugins } }
      next = compile(validated, this.#snapshot.version + 1, live)
      await this.#listen(validated.valid.config)
      this.#live = live
      this.#snapshot = next
      swap(this.#road.state, next)
      this.#log.info({ version: next.version, routes: next.routes.length }, 'configuration reloaded')
    } catch (error) {
      next?.release()
      const problems = error instanceof InvalidConfiguration ? error.problems.map(formatProblem) : undefined
      this.#log.error(
        { problems, err: problems === undefined ? error : undefined },
        'configuration rejected; the last good one serves',
      )
    }
  }

  /** Stops accepting, lets requests finish for at most `limit` ms, closes everything. Resolves with requests cut off. */
  async stop(limit = this.#snapshot?.config.drainTimeout ?? DRAIN_TIMEOUT): Promise<number> {
    this.ready = false
    this.#source.close()
    const left = await drain([...this.#listeners.values()], limit)
    this.#admin?.listener.close()
    if (this.#road !== undefined) retire(this.#road.state.current)
    return left
  }
}

const DRAIN_TIMEOUT = 30_000

/** Everything that decides whether a running listener can stay as it is. */
function listenerKey(config: ListenerConfig): string {
  return JSON.stringify([config.name, config.bind, config.engine ?? 'uws', config.canonicalPath ?? {}])
}
