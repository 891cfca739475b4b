// Opens limits. Their counts outlive them: whoever opens a limit of the same name and algorithm goes on with the same counts.
import { now } from '../base/clock.ts'
import { LiveStates } from '../base/live-states.ts'
import type { Limit, LimitRule, Limits, LimitStore } from '../contract/limits.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { compileAlgorithm, type LimitAlgorithm } from './algorithms.ts'
import { LocalLimit } from './local-limit.ts'
import { RedisConnection } from './redis-connection.ts'
import { RedisLimit } from './redis-limit.ts'
import { LimitTable } from './table.ts'

export class LimitRoom implements Limits {
  readonly #tables = new LiveStates<Shared>(() => {})
  readonly #connections: LiveStates<RedisConnection>

  constructor(log: Logger, metrics: Metrics) {
    this.#connections = new LiveStates<RedisConnection>((connection) => connection.close())
    this.#connect = (url) => new RedisConnection(url, log, metrics)
  }

  readonly #connect: (url: string) => RedisConnection

  open(rule: LimitRule, store: LimitStore): Limit {
    return store.redis === '' ? this.#openLocal(rule, store) : this.#openRedis(rule, store)
  }

  #openLocal(rule: LimitRule, { name, maxKeys }: LimitStore): Limit {
    const key = JSON.stringify([name, rule.algorithm, maxKeys])
    const shared = this.#tables.acquire(key, () => new Shared(maxKeys))
    shared.algorithm = compileAlgorithm(rule)
    return new LocalLimit(rule, shared.table, now, () => this.#tables.release(key))
  }

  #openRedis(rule: LimitRule, { name, maxKeys, redis }: LimitStore): Limit {
    const connection = this.#connections.acquire(redis, () => this.#connect(redis))
    return new RedisLimit(rule, `sluice:limit:${name}:${rule.algorithm}:`, maxKeys, connection, now, () =>
      this.#connections.release(redis),
    )
  }
}

/** A table and the latest rule that it is used with: what a state is worth depends on it. */
class Shared {
  algorithm: LimitAlgorithm | null = null
  readonly table: LimitTable

  constructor(maxKeys: number) {
    this.table = new LimitTable(maxKeys, (first, second, time) => this.algorithm!.debt(first, second, time))
  }
}
