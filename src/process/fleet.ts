// All workers together: they get a configuration at the same time, switch to it at the same time, and are replaced when
// they end.
import type { Problem } from '../config/problem.ts'
import type { GatewayConfig } from '../config/schema.ts'
import { InvalidConfiguration } from '../control/publish.ts'
import type { Candidate, Prepared, Serving } from '../control/serving.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { FleetMetrics } from './fleet-metrics.ts'
import { LOOK } from './heartbeat.ts'
import type { Ports, Refused } from './messages.ts'
import { Shipments } from './shipments.ts'
import { Spare } from './spare.ts'
import type { WorkerProcess } from './worker-process.ts'
import { WorkerSlot, type Outcome, type Serves, type SlotEvents, type WorkerState } from './worker-slot.ts'

export interface FleetOptions {
  readonly count: number
  readonly launch: () => WorkerProcess
  readonly log: Logger
  readonly metrics: Metrics
  /** A plugin file is not what was validated any more. */
  readonly stale: () => void
}

export interface WorkerStatus {
  /** From 1. */
  readonly number: number
  readonly pid: number
  /** Path of the socket of its admin API. */
  readonly admin: string
  readonly state: WorkerState
  /** Unix ms since when it is in that state. */
  readonly since: number
  readonly restarts: number
  /** Of its configuration; 0: none. */
  readonly version: number
}

/** ms beyond the limit of a drain after which a worker is killed. */
const STOP_PATIENCE = 10_000

export class Fleet implements Serving {
  readonly #options: FleetOptions
  readonly #log: Logger
  readonly #slots: readonly WorkerSlot[]
  readonly #metrics: FleetMetrics
  readonly #watch: NodeJS.Timeout
  readonly #spare: Spare
  #serves: Serves | null = null
  #stopping = false

  /** Starts the processes; they wait for a configuration. */
  constructor(options: FleetOptions) {
    const { count, log, metrics } = options
    this.#options = options
    this.#log = log
    this.#metrics = new FleetMetrics(metrics, () => this.workers)
    this.#spare = new Spare(options.launch)
    const events = this.#events()
    this.#slots = Array.from({ length: count }, (_, i) => new WorkerSlot(i + 1, events))
    this.#watch = setInterval(() => this.#look(), LOOK)
    this.#watch.unref()
  }

  /** What serves; null before the first. */
  get serves(): Candidate | null {
    return this.#serves?.candidate ?? null
  }

  get workers(): readonly WorkerStatus[] {
    return this.#slots.map(({ number, process, state, since, restarts, version }) => {
      return { number, pid: process.pid, admin: process.admin, state, since, restarts, version }
    })
  }

  /** Rejects with InvalidConfiguration when a worker refuses it for its content, with an Error for anything else. */
  async prepare(candidate: Candidate): Promise<Prepared> {
    const shipments = new Shipments(candidate)
    const { config } = candidate.validated.valid
    const members = this.#members()
    const asked = Object.fromEntries(config.listeners.filter(wantsAnyPort).map(({ name }) => [name, 0]))
    let ports = this.#knownPorts(asked)
    const outcomes: Outcome[] = []
    // Where any port will do the first worker chooses, and the others take the same.
    while (outcomes.length < members.length && Object.keys(asked).some((name) => ports[name] === undefined)) {
      const outcome = await members[outcomes.length]!.prepare(candidate, shipments, ports)
      outcomes.push(outcome)
      if (outcome.type === 'refused') break
      if (outcome.type === 'prepared') ports = pick(outcome.ports, asked)
    }
    if (outcomes.at(-1)?.type !== 'refused') {
      const rest = members.slice(outcomes.length)
      outcomes.push(...(await Promise.all(rest.map((slot) => slot.prepare(candidate, shipments, ports)))))
    }
    const prepared = members.filter((_, i) => outcomes[i]?.type === 'prepared')
    const discard = async (): Promise<void> => void (await Promise.all(prepared.map((slot) => slot.discard())))
    const refusals = outcomes.filter((outcome) => outcome.type === 'refused')
    if (refusals.length > 0 || prepared.length === 0) {
      await discard()
      throw this.#refusal(refusals)
    }
    return { discard, activate: () => this.#activate(prepared, { candidate, shipments, ports }) }
  }

  async #activate(prepared: readonly WorkerSlot[], serves: Serves): Promise<void> {
    const others = this.#slots.filter((slot) => !prepared.includes(slot))
    // Whoever comes back from now on gets the new one.
    this.#serves = serves
    const done = prepared.map(async (slot) => {
      if (await slot.activate()) slot.becomeReady()
    })
    await Promise.all(done)
    serves.shipments.forget()
    this.#spare.keep()
    for (const slot of others) this.#catchUp(slot)
  }

  reopenLogs(): void {
    for (const { process } of this.#slots) void process.send({ type: 'reopen-logs' })
  }

  /** All workers stop accepting and finish their requests, for at most `limit` ms. Resolves with requests cut off. */
  async stop(limit: number): Promise<number> {
    this.#stopping = true
    clearInterval(this.#watch)
    this.#spare.drop()
    const cut = await Promise.all(this.#slots.map((slot) => slot.stop(limit, STOP_PATIENCE)))
    return cut.reduce((sum, each) => sum + each, 0)
  }

  /** Those that serve; if none does, all, so that a better configuration helps a fleet that none can start with. */
  #members(): WorkerSlot[] {
    const ready = this.#slots.filter(({ state, process }) => state === 'ready' && !process.lost)
    return ready.length > 0 ? ready : this.#slots.filter(({ process }) => !process.lost)
  }

  #knownPorts(asked: Ports): Ports {
    return pick(this.#serves?.ports ?? {}, asked)
  }

  #refusal(refusals: readonly Refused[]): Error {
    if (refusals.some(({ stale }) => stale)) this.#options.stale()
    const problems = new Map<string, Problem>()
    for (const problem of refusals.flatMap((refused) => refused.problems))
      problems.set(JSON.stringify(problem), problem)
    if (problems.size > 0) return new InvalidConfiguration([...problems.values()])
    return new Error(refusals[0]?.message ?? 'every worker was lost while it prepared the configuration')
  }

  #catchUp(slot: WorkerSlot): void {
    void slot.catchUp(() => this.#serves)
  }

  #events(): SlotEvents {
    return {
      launch: ({ number }) => {
        const worker = this.#spare.take()
        worker.assign(number)
        return worker
      },
      launched: (slot) => this.#catchUp(slot),
      ready: ({ number, process: { pid } }) => this.#log.info({ worker: number, pid }, 'worker ready'),
      ended: ({ number, process: { pid } }, { code, signal }, reason, pause) => {
        this.#metrics.restarted(reason)
        const fields = { worker: number, pid, code, signal, reason, restartIn: Math.round(pause) }
        this.#log.error(fields, 'worker ended; it is started again')
      },
      refused: ({ number }, { message, problems, stale }) => {
        this.#log.error(
          { worker: number, problems, reason: message },
          'worker does not take what serves; it is offered again',
        )
        if (stale) this.#options.stale()
      },
    }
  }

  #look(): void {
    if (this.#stopping) return
    for (const slot of this.#slots) {
      const { number, process, preparing } = slot
      const pulse = process.look()
      if (pulse === 'fine') {
        if (slot.state === 'unresponsive') this.#recover(slot)
        continue
      }
      if (slot.state !== 'unresponsive') {
        slot.state = 'unresponsive'
        this.#log.warn({ worker: number, pid: process.pid }, 'worker does not answer: its event loop hangs')
      }
      // Others must not wait for it with a new configuration.
      if (pulse === 'dead' || preparing) process.kill('unresponsive')
    }
  }

  #recover(slot: WorkerSlot): void {
    slot.state = 'starting'
    this.#log.info({ worker: slot.number, pid: slot.process.pid }, 'worker answers again')
    this.#catchUp(slot)
  }
}

function wantsAnyPort({ bind }: GatewayConfig['listeners'][number]): boolean {
  return bind.endsWith(':0')
}

function pick(ports: Ports, names: Ports): Ports {
  return Object.fromEntries(Object.entries(ports).filter(([name]) => Object.hasOwn(names, name)))
}
