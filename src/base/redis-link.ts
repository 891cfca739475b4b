// The connection to a Redis that a gateway can do without. When it fails, everybody knows at once and nobody waits for it:
// after a pause one caller tries again, so that a Redis that answers but cannot write (full memory) counts as away as well.
import type { Redis, RedisOptions } from 'ioredis'
import { now } from './clock.ts'

// ioredis 5: version 6 has a subclass of String, and the mere presence of one makes V8 take a slower road for adding
// strings, which costs every proxied request a tenth (scripts/bench road; test/structure/hot-path.test.ts keeps it out).

/** ms after which a command has failed, and between two tries while Redis is away. */
const COMMAND_TIMEOUT = 75
const RETRY = 200
const CONNECT_TIMEOUT = 1000

export class RedisLink {
  readonly #url: string
  readonly #scripts: RedisOptions['scripts']
  /** Told of each change, with a reason when it is bad. */
  readonly #changed: (works: boolean, why: string) => void
  #redis: Redis | null = null
  #opened: Promise<void> | null = null
  #closed = false
  #works = true
  /** Not to be asked before. */
  #retryAt = 0

  /** `redis://…`. `scripts`: Lua by name. It connects when it is opened: a configuration may only be checked. */
  constructor(url: string, scripts: RedisOptions['scripts'], changed: (works: boolean, why: string) => void) {
    this.#url = url
    this.#scripts = scripts
    this.#changed = changed
  }

  /** Settles when it is connected, or the first try has failed. */
  open(): Promise<void> {
    this.#opened ??= this.#open()
    return this.#opened
  }

  async #open(): Promise<void> {
    const { Redis } = await import('ioredis') // for those who use it
    if (this.#closed) return
    const redis = new Redis(this.#url, {
      commandTimeout: COMMAND_TIMEOUT,
      connectTimeout: CONNECT_TIMEOUT,
      maxRetriesPerRequest: 0,
      enableOfflineQueue: false,
      enableAutoPipelining: true,
      retryStrategy: () => RETRY,
      scripts: this.#scripts ?? {},
    })
    this.#redis = redis
    // Every failure reaches whoever asked; this only keeps it from ending the process.
    redis.on('error', () => {})
    redis.on('close', () => this.#failed('the connection was closed'))
    redis.on('ready', () => this.#succeeded())
    await new Promise<void>((resolve) => {
      redis.once('ready', resolve)
      redis.once('close', resolve)
    })
  }

  /** Is it worth asking? While Redis is away one caller in a while gets true. */
  get worthAsking(): boolean {
    if (this.#redis === null) return false
    if (this.#works) return true
    const time = now()
    if (time < this.#retryAt) return false
    this.#retryAt = time + RETRY
    return true
  }

  /** Rejects when Redis does not do it in time. */
  async ask<T>(command: (redis: Redis) => Promise<T>): Promise<T> {
    if (this.#redis === null) throw new Error('Redis is not opened yet')
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
    this.#closed = true
    this.#redis?.removeAllListeners('close')
    this.#redis?.disconnect()
  }
}
