// All workers together: they get a configuration at the same time, switch to it at the same time, and are replaced when
// they end.
import type { Problem } from '../config/problem.ts'
import type { ListenerConfig } from '../config/schema.ts'
import { InvalidConfiguration } from '../control/publish.ts'
import type { Candidate, Prepared, Serving } from '../control/serving.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { Asked } from './asked.ts'
import { FleetMetrics } from './fleet-metrics.ts'
import { LOOK } from './heartbeat.ts'
import type { Ports, Refused } from './messages.ts'
import { Shipments } from './shipments.ts'
import { Spare } from './spare.ts'
import type { WorkerProcess } from './worker-process.ts'
import { WorkerSlot, type Serves, type SlotEvents, type WorkerState } from './worker-slot.ts'

export interface FleetOptions {
  readonly count: number
  readonly launch: () => WorkerProcess
  readonly log: Logger
  readonly metrics: Metrics
  /** Ports that the generation before has, where the configuration says 0. */
  readonly inherited: (listeners: readonly ListenerConfig[]) => Ports
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

const DRAIN_TIMEOUT = 30_000
/** ms beyond the longest drain after which a worker is killed. */
const STOP_PATIENCE = 10_000

export class Fleet implements Serving {
  readonly #options: FleetOptions
  readonly #log: Logger
  readonly #slots: readonly WorkerSlot[]
  readonly #metrics: FleetMetrics
  readonly #watch: NodeJS.Timeout
  readonly #spare: Spare
  #serves: Serves | null = null
  /** The members of the preparation that is under way. */
  #asked: Asked | null = null
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
    const members = this.#members()
    const asked = new Asked(members)
    this.#asked = asked
    let ports: Ports
    try {
      const { listeners } = candidate.validated.valid.config
      const anyPort = listeners.filter(({ bind }) => bind.endsWith(':0')).map(({ name }) => name)
      ports = pick({ ...this.#options.inherited(listeners), ...this.#serves?.ports }, anyPort)
      // Where any port will do the first worker that can chooses, and the others take the same.
      for (let chosen = anyPort.every((name) => Object.hasOwn(ports, name)); !chosen && asked.open.size > 0;) {
        const outcome = await asked.ask([...asked.open][0]!, (slot) => slot.prepare(candidate, shipments, ports))
        if (outcome.type === 'prepared') ports = pick(outcome.ports, anyPort)
        chosen = outcome.type !== 'lost'
      }
      if (asked.refusals.length === 0)
        await Promise.all(
          [...asked.open].map((each) => asked.ask(each, (slot) => slot.prepare(candidate, shipments, ports))),
        )
    } finally {
      this.#asked = null
    }
    const { prepared, refusals } = asked
    const discard = async (): Promise<void> => void (await Promise.all(prepared.map((slot) => slot.discard())))
    if (refusals.length > 0 || prepared.length === 0) {
      await discard()
      throw this.#refusal(refusals)
    }
    const activate = async (): Promise<void> => {
      if (!this.#stopping) return this.#activate(prepared, { candidate, shipments, ports })
      // A worker that is about to drain switches no more, and would have to end.
      await discard()
      throw new Error('the gateway stops')
    }
    return { discard, activate }
  }

  async #activate(prepared: readonly WorkerSlot[], serves: Serves): Promise<void> {
    const others = this.#slots.filter((slot) => !prepared.includes(slot))
    // Whoever hangs must not serve the old one when it comes to itself again.
    for (const { state, process } of others) if (state === 'unresponsive') process.kill('unresponsive')
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

  /** Names and real addresses, `host:port`, of the listeners. */
  get addresses(): readonly (readonly [name: string, address: string])[] {
    if (this.#serves === null) return []
    const { candidate, ports } = this.#serves
    const { listeners } = candidate.validated.valid.config
    return listeners.map(({ name, bind }) => [name, bind.replace(/:0$/, () => `:${ports[name] ?? 0}`)])
  }

  /** Workers are not ready from now on, and serve as before. */
  refuse(): void {
    this.#stopping = true
    for (const slot of this.#slots) slot.refuse()
  }

  reopenLogs(): void {
    for (const { process } of this.#slots) void process.send({ type: 'reopen-logs' })
  }

  /** All workers stop accepting and finish their requests, for at most `limit` ms, or as the configuration says. Resolves with requests cut off. */
  async stop(limit: number | null, succeeded = false): Promise<number> {
    this.#stopping = true
    clearInterval(this.#watch)
    this.#spare.drop()
    const { drainTimeout = DRAIN_TIMEOUT, drainDelay = 0 } = this.serves?.validated.valid.config ?? {}
    const patience = (limit ?? drainDelay + drainTimeout) + STOP_PATIENCE
    const cut = await Promise.all(this.#slots.map((slot) => slot.stop(limit, succeeded, patience)))
    return cut.reduce((sum, each) => sum + each, 0)
  }

  /** Nothing is waited for any more. */
  abort(): void {
    this.#stopping = true
    this.#spare.drop()
    for (const { process } of this.#slots) process.end()
  }

  /** Those that serve; if none does, all, so that a better configuration helps a fleet that none can start with. */
  #members(): WorkerSlot[] {
    const ready = this.#slots.filter(({ state, process }) => state === 'ready' && !process.lost)
    return ready.length > 0 ? ready : this.#slots.filter(({ process }) => !process.lost)
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
      refused: ({ number }, { message, problems }) => {
        this.#log.error(
          { worker: number, problems, reason: message },
          'worker does not take what serves; it is offered again',
        )
      },
    }
  }

  #look(): void {
    if (this.#stopping) return
    for (const slot of this.#slots) {
      const { number, process } = slot
      // It has ended, and may have a while to wait until it is started again.
      if (process.lost) continue
      const pulse = process.look()
      if (pulse === 'fine') {
        if (slot.state === 'unresponsive') this.#recover(slot)
        continue
      }
      if (slot.state !== 'unresponsive') {
        slot.state = 'unresponsive'
        this.#log.warn({ worker: number, pid: process.pid }, 'worker does not answer: its event loop hangs')
      }
      // Those that have prepared a new configuration must not wait for it. If all are slow it is the configuration.
      if (pulse === 'dead' || this.#asked?.isAwaited(slot)) process.kill('unresponsive')
    }
  }

  #recover(slot: WorkerSlot): void {
    slot.state = 'starting'
    this.#log.info({ worker: slot.number, pid: slot.process.pid }, 'worker answers again')
    this.#catchUp(slot)
  }
}

function pick(ports: Ports, names: readonly string[]): Ports {
  return Object.fromEntries(Object.entries(ports).filter(([name]) => names.includes(name)))
}
