// What an upstream says about requests that fail or take long, in the form that the road asks.
import { now } from '../base/clock.ts'
import {
  CONNECT_FAILURE,
  IDEMPOTENT,
  RESET,
  STATUS,
  TIMEOUT,
  type HedgePolicy,
  type RetryPolicy,
} from '../contract/upstream.ts'
import type { UpstreamConfig } from '../config/upstream-schema.ts'
import type { Budget } from './budget.ts'
import type { SlidingWindow } from './health/window.ts'

type RetryConfig = NonNullable<UpstreamConfig['retries']>
type HedgeConfig = NonNullable<UpstreamConfig['hedge']>

const REASONS: Readonly<Record<string, number>> = { 'connect-failure': CONNECT_FAILURE, reset: RESET, timeout: TIMEOUT }

export class Retries implements RetryPolicy {
  readonly attempts: number
  readonly reasons: number
  readonly statuses: ReadonlySet<number>
  readonly methods: ReadonlySet<string>
  readonly elsewhere: boolean
  readonly perTry: number
  readonly bodyLimit: number
  readonly budget: Budget
  readonly #backoff: number
  readonly #maxBackoff: number

  /** `config` null: what holds when nothing is said, one more try at another endpoint. */
  constructor(config: RetryConfig | null, budget: Budget) {
    const { on = ['connect-failure', 'reset'] } = config ?? {}
    this.attempts = config?.attempts ?? 1
    this.statuses = new Set(on.flatMap(statusesOf))
    this.reasons = on.reduce<number>((bits, reason) => bits | (REASONS[reason] ?? STATUS), 0)
    this.methods = config?.methods === undefined ? IDEMPOTENT : new Set(config.methods)
    this.elsewhere = config === null
    this.perTry = config?.perTry ?? 0
    this.bodyLimit = config?.bodyLimit ?? 64 * 1024
    this.#backoff = config?.backoff ?? 25
    this.#maxBackoff = config?.maxBackoff ?? 250
    this.budget = budget
  }

  /** Anything up to the longest wait (AWS Architecture Blog, Exponential Backoff and Jitter: full jitter). */
  backoff(number: number): number {
    return Math.random() * Math.min(this.#maxBackoff, this.#backoff * 2 ** (number - 1))
  }
}

function statusesOf(reason: number | string): number[] {
  if (typeof reason === 'number') return [reason]
  return reason === '5xx' ? Array.from({ length: 100 }, (_, i) => 500 + i) : []
}

/** Replies that must have been seen before their p95 means anything. */
const ENOUGH = 20
/** ms for which a p95 is taken as it was. */
const KEPT = 1000

export class Hedging implements HedgePolicy {
  readonly budget: Budget
  readonly #fixed: number
  readonly #latencies: SlidingWindow
  #p95 = 0
  #readAt = -Infinity

  constructor({ after = 'p95' }: HedgeConfig, latencies: SlidingWindow, budget: Budget) {
    this.#fixed = after === 'p95' ? 0 : after
    this.#latencies = latencies
    this.budget = budget
  }

  after(): number {
    if (this.#fixed > 0) return this.#fixed
    const time = now()
    if (time - this.#readAt > KEPT) {
      this.#readAt = time
      this.#p95 = this.#latencies.requests < ENOUGH ? 0 : this.#latencies.quantile(0.95)
    }
    return this.#p95
  }
}
