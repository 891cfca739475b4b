// Which signatures other gateways have verified, through Redis. What is kept there is a keyed hash of the token and of the keys
// that it was verified with: who can write to Redis but has not the secret cannot make a token pass, and who can read
// there learns none. Only the signature is taken on trust; claims and times are judged here each time.
import { createHmac } from 'node:crypto'
import { RedisLink } from '../base/redis-link.ts'
import type { Algorithm, SharedCache } from '../contract/auth.ts'
import type { PluginLogger } from '../contract/host.ts'
import type { Key } from './key.ts'

export class SharedTokens {
  readonly #secret: string
  readonly #link: RedisLink

  constructor({ url, secret }: SharedCache, log: PluginLogger) {
    this.#secret = secret
    this.#link = new RedisLink(url, {}, (works, why) => {
      if (works) log.info({}, 'Redis is back: verified tokens are shared again')
      else log.warn({ why }, 'Redis is away: each gateway verifies tokens for itself')
    })
  }

  start(): Promise<void> {
    return this.#link.open()
  }

  /** Has a gateway with the same secret verified this token with these keys? False when Redis does not say. */
  async knows(token: string, algorithm: Algorithm, keys: readonly Key[]): Promise<boolean> {
    if (!this.#link.worthAsking) return false
    const name = this.#name(token, algorithm, keys)
    return this.#link
      .ask((redis) => redis.exists(name))
      .then(
        (count) => count === 1,
        () => false,
      )
  }

  /** `ttl`: ms. Nobody waits for it. */
  remember(token: string, algorithm: Algorithm, keys: readonly Key[], ttl: number): void {
    if (ttl < 1 || !this.#link.worthAsking) return
    const name = this.#name(token, algorithm, keys)
    this.#link.ask((redis) => redis.set(name, '', 'PX', Math.ceil(ttl))).catch(() => {})
  }

  #name(token: string, algorithm: Algorithm, keys: readonly Key[]): string {
    const hash = createHmac('sha256', this.#secret).update(algorithm)
    for (const key of keys) hash.update('\n').update(key.fingerprint)
    return `sluice:jwt:${hash.update('\n').update(token).digest('base64url')}`
  }

  close(): void {
    this.#link.close()
  }
}
