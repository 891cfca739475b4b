// Asks an endpoint, again and again, whether it is well. One check at a time; the pause counts from the end of the last,
// so that an endpoint that hangs is asked less often, not more.
import { Timer, type TimerWheel } from '../../base/timer-wheel.ts'
import { SingleCheck, type HttpCheckOptions } from './single-check.ts'
import { Thresholds } from './thresholds.ts'

export interface ActiveCheckOptions extends HttpCheckOptions {
  /** http: GET `path`, over TLS if the url says https; tcp: connecting is all. */
  readonly kind: 'http' | 'tcp'
  /** 0: that of the endpoint. */
  readonly port: number
  /** ms from the end of one check to the next */
  readonly interval: number
  /** ms that a check may take */
  readonly timeout: number
  /** Checks in a row that must pass before it counts as healthy again, from 1. */
  readonly healthy: number
  /** Checks in a row that must fail before it counts as unhealthy, from 1. */
  readonly unhealthy: number
  /** Share 0..1 by which each interval varies, either way; 0.1 is usual. */
  readonly jitter: number
}

/** ms within which the first check begins, at a random moment: those of many endpoints must not come together. */
const FIRST_WITHIN = 1000

export class ActiveCheck {
  /** Checks that have ended, and those that failed among them. */
  checks = 0
  failures = 0
  /** Why the last check failed; '' when it did not, or when there was none. */
  lastError = ''
  /** Called when `healthy` has changed, after the next check was arranged; `close` may be called there. */
  onChange: () => void = nothing
  /** Called after each check, before `onChange`. */
  onCheck: () => void = nothing
  readonly #url: string
  readonly #options: ActiveCheckOptions
  readonly #wheel: TimerWheel
  readonly #random: () => number
  readonly #thresholds: Thresholds
  readonly #next = new Timer(() => this.#check())
  readonly #limit = new Timer(() => this.#current?.finish(`no complete answer within ${this.#options.timeout} ms`))
  #current: SingleCheck | null = null
  #state: 'new' | 'running' | 'closed' = 'new'

  /** `endpointUrl`: origin. `random`: 0..1. */
  constructor(endpointUrl: string, options: ActiveCheckOptions, wheel: TimerWheel, random: () => number = Math.random) {
    this.#url = endpointUrl
    this.#options = options
    this.#wheel = wheel
    this.#random = random
    this.#thresholds = new Thresholds(options.healthy, options.unhealthy)
  }

  /** True until a check says otherwise. */
  get healthy(): boolean {
    return this.#thresholds.healthy
  }

  /** Once; never after `close`. */
  start(): void {
    if (this.#state !== 'new') return
    this.#state = 'running'
    this.#wheel.arm(this.#next, this.#random() * Math.min(this.#options.interval, FIRST_WITHIN))
  }

  /** For good: nothing is called, and no timer and no socket is left, afterwards. */
  close(): void {
    this.#state = 'closed'
    this.#wheel.disarm(this.#next)
    this.#wheel.disarm(this.#limit)
    this.#current?.close()
    this.#current = null
  }

  #check(): void {
    const check = new SingleCheck((problem) => this.#ended(problem))
    this.#current = check
    this.#wheel.arm(this.#limit, this.#options.timeout)
    try {
      const target = { url: new URL(this.#url), port: this.#options.port }
      if (this.#options.kind === 'tcp') check.startTcp(target)
      else check.startHttp(target, this.#options)
    } catch (error) {
      // What node:http refuses to send. The configuration should have been refused; traffic goes on all the same.
      check.finish((error as Error).message)
    }
  }

  #ended(problem: string): void {
    this.#current = null
    this.#wheel.disarm(this.#limit)
    this.checks++
    if (problem !== '') this.failures++
    this.lastError = problem
    const { interval, jitter } = this.#options
    this.#wheel.arm(this.#next, interval * (1 + jitter * (2 * this.#random() - 1)))
    const changed = this.#thresholds.observe(problem === '')
    this.onCheck()
    if (changed && this.#state === 'running') this.onChange()
  }
}

function nothing(): void {}
