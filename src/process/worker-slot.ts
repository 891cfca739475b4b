// One place in the fleet: always one worker process, started again when it ends, and brought to what serves.
import { performance } from 'node:perf_hooks'
import { growingDelay } from '../base/growing-delay.ts'
import type { Candidate } from '../control/serving.ts'
import { UNRESPONSIVE_AFTER } from './heartbeat.ts'
import type { Ports, Refused } from './messages.ts'
import { RestartDelay } from './restart-delay.ts'
import type { Shipments } from './shipments.ts'
import { type End, WorkerLost, type WorkerProcess } from './worker-process.ts'

export type WorkerState = 'starting' | 'ready' | 'unresponsive'

export interface SlotEvents {
  launch(slot: WorkerSlot): WorkerProcess
  /** The process is there: it is to catch up. */
  launched(slot: WorkerSlot): void
  /** It has ended, and starts again in `pause` ms. */
  ended(slot: WorkerSlot, end: End, reason: RestartReason, pause: number): void
  ready(slot: WorkerSlot): void
  /** It does not take the configuration that serves. */
  refused(slot: WorkerSlot, refused: Refused): void
}

export type RestartReason = 'exit' | 'signal' | 'unresponsive'
export const RESTART_REASONS: readonly RestartReason[] = ['exit', 'signal', 'unresponsive']

/** What serves, for workers that come later. */
export interface Serves {
  readonly candidate: Candidate
  readonly shipments: Shipments
  readonly ports: Ports
}

/** What became of a configuration that a worker was to prepare. */
export type Outcome = { readonly type: 'prepared'; readonly ports: Ports } | Refused | { readonly type: 'lost' }

/** Pauses (ms) before the configuration that serves is offered again to a worker that refused it. */
const OFFER_PAUSE = [500, 10_000] as const
/** ms that a worker whose event loop turns may take all the same: plugins start and endpoints are looked for. */
const PREPARE_LIMIT = 60_000

interface Pending {
  readonly candidate: Candidate
  readonly worker: WorkerProcess
}

export class WorkerSlot {
  readonly number: number
  restarts = 0
  /** Unix ms since when it is in its state. */
  since = Date.now()
  readonly #events: SlotEvents
  readonly #delay = new RestartDelay()
  #process!: WorkerProcess
  #state: WorkerState = 'starting'
  /** What the process serves; null: nothing yet. */
  #serves: Candidate | null = null
  #pending: Pending | null = null
  #catchingUp: WorkerProcess | null = null
  /** Shipments come one after the other. */
  #turn: Promise<void> = Promise.resolve()
  #endTurn: (() => void) | null = null
  #readyAt: number | null = null
  #timer: NodeJS.Timeout | null = null
  #stopping = false

  constructor(number: number, events: SlotEvents) {
    this.number = number
    this.#events = events
    this.#launch()
  }

  get process(): WorkerProcess {
    return this.#process
  }

  get state(): WorkerState {
    return this.#state
  }

  get version(): number {
    return this.#serves?.version ?? 0
  }

  set state(state: WorkerState) {
    if (state === this.#state) return
    this.#state = state
    this.since = Date.now()
  }

  /** Ships what has changed and waits for the answer; what serves is the same. Afterwards comes `activate` or `discard`. */
  async prepare(candidate: Candidate, shipments: Shipments, ports: Ports): Promise<Outcome> {
    await this.#takeTurn()
    const worker = this.#process
    const timer = setTimeout(() => worker.kill('unresponsive'), PREPARE_LIMIT)
    let outcome: Outcome = { type: 'lost' }
    try {
      outcome = await this.#ship(worker, shipments, ports)
      if (outcome.type === 'prepared') this.#pending = { candidate, worker }
    } catch (error) {
      if (!(error instanceof WorkerLost)) throw error
    } finally {
      clearTimeout(timer)
      if (outcome.type !== 'prepared') this.#giveTurn()
    }
    return outcome
  }

  async #ship(worker: WorkerProcess, shipments: Shipments, ports: Ports): Promise<Outcome> {
    await worker.greeted
    const slices = await shipments.from(this.#serves?.validated.valid ?? null)
    const tail = slices.at(-1)!
    for (const bytes of slices.slice(0, -1)) await worker.send({ type: 'slice', bytes })
    const shipment = { ...shipments.shipment, ports }
    return worker.ask({ type: 'prepare', bytes: tail, shipment }, 'prepared', 'refused')
  }

  /** Switches to what was prepared. False: the worker is lost, and comes back with what serves then. */
  async activate(): Promise<boolean> {
    const { candidate, worker } = this.#pending!
    // It must not serve the old version when it comes to itself again.
    const timer = setTimeout(() => worker.kill('unresponsive'), UNRESPONSIVE_AFTER)
    try {
      await worker.ask({ type: 'activate' }, 'activated')
      this.#serves = candidate
      return true
    } catch (error) {
      if (!(error instanceof WorkerLost)) throw error
      return false
    } finally {
      clearTimeout(timer)
      this.#giveTurn()
    }
  }

  /** What was prepared never serves. */
  async discard(): Promise<void> {
    const { worker } = this.#pending!
    try {
      await worker.ask({ type: 'discard' }, 'discarded')
    } catch (error) {
      if (!(error instanceof WorkerLost)) throw error
    } finally {
      this.#giveTurn()
    }
  }

  /** Brings the worker to what serves, however often that changes meanwhile. `serving` null: nothing does yet. */
  async catchUp(serving: () => Serves | null): Promise<void> {
    const worker = this.#process
    if (this.#catchingUp === worker) return
    this.#catchingUp = worker
    await this.#follow(worker, serving)
    if (this.#catchingUp === worker) this.#catchingUp = null
  }

  async #follow(worker: WorkerProcess, serving: () => Serves | null): Promise<void> {
    for (let tries = 1; !this.#stopping && worker === this.#process && !worker.lost;) {
      const wanted = serving()
      if (wanted === null) return
      if (wanted.candidate === this.#serves) return this.becomeReady()
      const outcome = await this.prepare(wanted.candidate, wanted.shipments, wanted.ports)
      if (outcome.type === 'prepared') await (this.#stopping ? this.discard() : this.activate())
      else if (outcome.type === 'refused' && !this.#stopping) {
        this.#events.refused(this, outcome)
        await pause(growingDelay(tries++, ...OFFER_PAUSE))
      }
    }
  }

  /** It serves what all serve. */
  becomeReady(): void {
    if (this.#process.lost) return
    if (this.#readyAt === null) this.#events.ready(this)
    this.#readyAt ??= performance.now()
    this.state = 'ready'
  }

  /** It is not ready from now on, serves as before, and is neither changed nor replaced any more. */
  refuse(): void {
    this.#stopping = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    void this.#process.send({ type: 'refuse' })
  }

  /** Drains, and is killed after `patience` ms; at the end the process is gone. Resolves with requests cut off. */
  async stop(limit: number | null, succeeded: boolean, patience: number): Promise<number> {
    this.#stopping = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    const worker = this.#process
    void worker.send({ type: 'stop', limit, succeeded })
    const timer = setTimeout(() => worker.kill('unresponsive'), patience)
    await worker.ended
    clearTimeout(timer)
    return worker.cut
  }

  #launch(): void {
    this.#timer = null
    this.#serves = null
    this.#readyAt = null
    const worker = this.#events.launch(this)
    this.#process = worker
    this.#events.launched(this)
    void worker.ended.then((end) => this.#ended(worker, end))
  }

  #ended(worker: WorkerProcess, end: End): void {
    this.state = 'starting'
    if (this.#stopping) return
    const served = this.#readyAt === null ? 0 : performance.now() - this.#readyAt
    const pause = this.#delay.next(served)
    this.restarts++
    const reason = worker.why !== null ? 'unresponsive' : end.signal !== null ? 'signal' : 'exit'
    this.#events.ended(this, end, reason, pause)
    this.#timer = setTimeout(() => this.#launch(), pause)
  }

  async #takeTurn(): Promise<void> {
    const before = this.#turn
    let end!: () => void
    this.#turn = new Promise((resolve) => (end = resolve))
    await before
    this.#endTurn = end
  }

  #giveTurn(): void {
    this.#pending = null
    const end = this.#endTurn
    this.#endTurn = null
    end?.()
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref())
}
