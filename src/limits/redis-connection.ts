// One Redis that limits share, and the script that they run there.
import type { Result } from 'ioredis'
import { RedisLink } from '../base/redis-link.ts'
import type { LimitRule } from '../contract/limits.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Counter, Metrics } from '../telemetry/metrics.ts'
import { SCRIPT } from './redis-script.ts'

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
  readonly #link: RedisLink
  readonly #failures: Counter
  readonly #roundTrips: Counter

  constructor(url: string, log: Logger, metrics: Metrics) {
    this.#failures = metrics.counter('sluice_ratelimit_redis_failures_total', 'Questions of limits that Redis failed')
    this.#roundTrips = metrics.counter('sluice_ratelimit_redis_round_trips_total', 'Questions of limits to Redis')
    const up = metrics.gauge('sluice_ratelimit_redis_up', 'Redis answers limits: 1, else 0')
    up.set(1)
    this.#link = new RedisLink(url, { sluiceLimit: { lua: SCRIPT, numberOfKeys: 1 } }, (works, why) => {
      up.set(works ? 1 : 0)
      if (works) log.info({}, 'Redis is back: shared limits hold again')
      else log.error({ why }, 'Redis is away: shared limits go by their onError')
    })
  }

  open(): Promise<void> {
    return this.#link.open()
  }

  get worthAsking(): boolean {
    return this.#link.worthAsking
  }

  /** Rejects when Redis cannot decide. */
  async ask(key: string, { algorithm, amount, window, burst, maxWait }: LimitRule, wanted: number): Promise<Granted> {
    this.#roundTrips.add()
    try {
      const [granted, remaining, resetAfter, retryAfter, delay] = await this.#link.ask((redis) =>
        redis.sluiceLimit(key, algorithm, amount, window, burst, maxWait, wanted),
      )
      return {
        granted,
        remaining,
        resetAfter: Number(resetAfter),
        retryAfter: Number(retryAfter),
        delay: Number(delay),
      }
    } catch (error) {
      this.#failures.add()
      throw error
    }
  }

  close(): void {
    this.#link.close()
  }
}
