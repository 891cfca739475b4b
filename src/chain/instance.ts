// One plugin with its options: compiled once, started before its first request, stopped after its last.
import type { Host } from '../contract/host.ts'
import type { Phases, Plugin } from '../contract/plugin.ts'
import type { StepTiming } from '../contract/snapshot.ts'

/** ms that `start` and `stop` of a plugin may take. */
const START_LIMIT = 10_000
const STOP_LIMIT = 5000

/** The Host of one instance, as its owner sees it. */
export interface InstanceHost {
  readonly host: Host
  /** What steps of this plugin took, over all its instances. */
  readonly timing: StepTiming
  /** Aborts the signal. */
  abort(): void
  /** Gives everything back; resolves with the names of what did not close in time. */
  close(): Promise<readonly string[]>
}

export class PluginInstance {
  readonly plugin: string
  readonly order: number
  readonly phases: Phases
  readonly timing: StepTiming
  readonly #host: InstanceHost
  #started: Promise<void> | null = null
  /** It is ready for requests. */
  isStarted = false

  /** Throws what `compile` throws, with nothing left behind. */
  constructor(plugin: Plugin, options: unknown, host: InstanceHost) {
    this.plugin = plugin.name
    this.order = plugin.order
    this.#host = host
    this.timing = host.timing
    try {
      this.phases = plugin.compile(options, host.host)
    } catch (error) {
      host.abort()
      void host.close()
      throw error
    }
    // Most have nothing to start.
    this.isStarted = this.phases.start === undefined
  }

  /** The first call starts it, the others wait for the same start. Rejects when it fails or takes too long. */
  start(): Promise<void> {
    this.#started ??= within(START_LIMIT, async () => this.phases.start?.(this.#host.host.signal)).then((inTime) => {
      if (!inTime) throw new Error(`did not start within ${START_LIMIT / 1000} s`)
      this.isStarted = true
    })
    return this.#started
  }

  /** Resolves with the names of what was left behind; rejects when the plugin's own stop fails. */
  async stop(): Promise<readonly string[]> {
    this.#host.abort()
    try {
      const inTime = await within(STOP_LIMIT, async () => this.phases.stop?.())
      return [...(inTime ? [] : ['its stop']), ...(await this.#host.close())]
    } catch (error) {
      await this.#host.close()
      throw error
    }
  }
}

/** False when it is not done in time; rejects when `work` does. */
export async function within(limit: number, work: () => Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), limit)
  })
  try {
    return await Promise.race([work().then(() => true), late])
  } finally {
    clearTimeout(timer)
  }
}
