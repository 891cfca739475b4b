// The connection to one Redis that limits share. When it fails, everybody knows at once, and nobody waits for it: after a
// pause one request tries again, so that a Redis that answers but cannot write (full memory) counts as away as well.
import { Redis, type Result } from 'ioredis'
import { now } from '../base/clock.ts'
import type { LimitRule } from '../contract/limits.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Counter, Gauge, Metrics } from '../telemetry/metrics.ts'
import { SCRIPT } from './redis-script.ts'

/** ms after which a command has failed, and between two tries while Redis is away. */
const COMMAND_TIMEOUT = 75
const RETRY = 200
const CONNECT_TIMEOUT = 1000

declare module 'ioredis' {
  interface RedisCommander<Context> {
    sluiceLimit(key: string, ...rule: (string | number)[]): Result<[number, number, string, string, string], Context>
  }
}

/** What the script says; ms. */
export interface Granted {
  readonly granted: number
  readonly remaining: number
  readonly resetAfter: number
  readonly retryAfter: number
  readonly delay: number
}

export class RedisConnection {
  /** Settles when it is connected, or the first try has failed. */
  readonly ready: Promise<void>
  readonly #redis: Redis
  readonly #log: Logger
  readonly #failures: Counter
  readonly #roundTrips: Counter
  readonly #up: Gauge
  /** Not to be asked before; 0 while it works. */
  #awayUntil = 0

  constructor(url: string, log: Logger, metrics: Metrics) {
    this.#log = log
    this.#failures = metrics.counter(
      'sluice_ratelimit_redis_failures_total',
      'Commands of rate limits that Redis failed',
    )
    this.#roundTrips = metrics.counter('sluice_ratelimit_redis_round_trips_total', 'Decisions that asked Redis')
    this.#up = metrics.gauge('sluice_ratelimit_redis_up', 'Redis answers rate limits: 1, else 0')
    this.#redis = new Redis(url, {
      commandTimeout: COMMAND_TIMEOUT,
      connectTimeout: CONNECT_TIMEOUT,
      maxRetriesPerRequest: 0,
      enableOfflineQueue: false,
      enableAutoPipelining: true,
      retryStrategy: () => RETRY,
      scripts: { sluiceLimit: { lua: SCRIPT, numberOfKeys: 1 } },
    })
    this.ready = new Promise((resolve) => {
      this.#redis.once('ready', resolve)
      this.#redis.once('close', resolve)
    })
    // Every failure reaches whoever asked; this only keeps it from ending the process.
    this.#redis.on('error', () => {})
    this.#redis.on('close', () => this.#failed('the connection was closed'))
    this.#redis.on('ready', () => this.#works())
  }

  /** Is it worth asking? While Redis is away one caller in a while gets true. */
  get worthAsking(): boolean {
    if (this.#awayUntil === 0) return true
    const time = now()
    if (time < this.#awayUntil) return false
    this.#awayUntil = time + RETRY
    return true
  }

  /** Rejects when Redis cannot decide. */
  async ask(key: string, { algorithm, amount, window, burst, maxWait }: LimitRule, wanted: number): Promise<Granted> {
    this.#roundTrips.add()
    try {
      const reply = await this.#redis.sluiceLimit(key, algorithm, amount, window, burst, maxWait, wanted)
      const [granted, remaining, resetAfter, retryAfter, delay] = reply
      this.#works()
      return {
        granted,
        remaining,
        resetAfter: Number(resetAfter),
        retryAfter: Number(retryAfter),
        delay: Number(delay),
      }
    } catch (error) {
      this.#failures.add()
      this.#failed((error as Error).message)
      throw error
    }
  }

  #works(): void {
    this.#up.set(1)
    if (this.#awayUntil === 0) return
    this.#awayUntil = 0
    this.#log.info({}, 'Redis is back: shared limits hold again')
  }

  #failed(why: string): void {
    this.#up.set(0)
    if (this.#awayUntil === 0) this.#log.error({ why }, 'Redis is away: shared limits go by their onError')
    this.#awayUntil = now() + RETRY
  }

  close(): void {
    this.#redis.removeAllListeners('close')
    this.#redis.disconnect()
  }
}
