// The connection to a Redis that a gateway can do without. When it fails, everybody knows at once and nobody waits for it:
// after a pause one caller tries again, so that a Redis that answers but cannot write (full memory) counts as away as well.
import { Redis, type RedisOptions } from 'ioredis'
import { now } from './clock.ts'

/** ms after which a command has failed, and between two tries while Redis is away. */
const COMMAND_TIMEOUT = 75
const RETRY = 200
const CONNECT_TIMEOUT = 1000

export class RedisLink {
  readonly #redis: Redis
  #opened: Promise<void> | null = null
  /** Told of each change, with a reason when it is bad. */
  readonly #changed: (works: boolean, why: string) => void
  #works = true
  /** Not to be asked before. */
  #retryAt = 0

  /** `redis://…`. `scripts`: Lua by name. */
  constructor(url: string, scripts: RedisOptions['scripts'], changed: (works: boolean, why: string) => void) {
    this.#changed = changed
    this.#redis = new Redis(url, {
      commandTimeout: COMMAND_TIMEOUT,
      connectTimeout: CONNECT_TIMEOUT,
      maxRetriesPerRequest: 0,
      enableOfflineQueue: false,
      lazyConnect: true, // a configuration that is only checked connects to nothing
      enableAutoPipelining: true,
      retryStrategy: () => RETRY,
      scripts: scripts ?? {},
    })
    // Every failure reaches whoever asked; this only keeps it from ending the process.
    this.#redis.on('error', () => {})
    this.#redis.on('close', () => this.#failed('the connection was closed'))
    this.#redis.on('ready', () => this.#succeeded())
  }

  /** Connects. Settles when it is connected, or the first try has failed. */
  open(): Promise<void> {
    this.#opened ??= new Promise((resolve) => {
      this.#redis.once('ready', resolve)
      this.#redis.once('close', resolve)
      this.#redis.connect().catch(() => {})
    })
    return this.#opened
  }

  /** Is it worth asking? While Redis is away one caller in a while gets true. */
  get worthAsking(): boolean {
    if (this.#works) return true
    const time = now()
    if (time < this.#retryAt) return false
    this.#retryAt = time + RETRY
    return true
  }

  /** Rejects when Redis does not do it in time. */
  async ask<T>(command: (redis: Redis) => Promise<T>): Promise<T> {
    try {
      const reply = await command(this.#redis)
      this.#succeeded()
      return reply
    } catch (error) {
      this.#failed((error as Error).message)
      throw error
    }
  }

  #succeeded(): void {
    if (this.#works) return
    this.#works = true
    this.#changed(true, '')
  }

  #failed(why: string): void {
    this.#retryAt = now() + RETRY
    if (!this.#works) return
    this.#works = false
    this.#changed(false, why)
  }

  close(): void {
    this.#redis.removeAllListeners('close')
    this.#redis.disconnect()
  }
}
