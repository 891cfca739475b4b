// Keys from a JWKS host. Requests never wait for it, except for the first token of a key that is not known yet.
import type { Algorithm } from '../contract/auth.ts'
import type { PluginLogger } from '../contract/host.ts'
import { download, type Download } from './download.ts'
import type { Key } from './key.ts'
import { KeySet, parseJwks, type Keys } from './key-set.ts'

/** ms after which a host that failed is asked again. */
const RETRY = 5000
/** ms between two fetches that tokens of unknown keys ask for: whoever makes up key ids must not burden the host. */
const UNKNOWN_KEY_PAUSE = 10_000
const MAX_BYTES = 1_048_576

export interface RemoteKeysOptions {
  readonly url: string
  /** ms */
  readonly refresh: number
  /** ms */
  readonly timeout: number
}

export class RemoteKeys implements Keys {
  readonly #options: RemoteKeysOptions
  readonly #log: PluginLogger
  /** Monotonic ms. */
  readonly #now: () => number
  readonly #set = new KeySet()
  /** URL without what may be a secret. */
  readonly #name: string
  #fetching: Promise<void> | null = null
  #download: Download | null = null
  #closed = false
  #due = -Infinity
  #nextForUnknownKey = -Infinity
  #failing = false

  constructor(options: RemoteKeysOptions, log: PluginLogger, now: () => number) {
    this.#options = options
    this.#log = log
    this.#now = now
    const { origin, pathname } = new URL(options.url)
    this.#name = origin + pathname
  }

  get available(): boolean {
    return this.#set.available
  }

  get revision(): number {
    return this.#set.revision
  }

  candidates(algorithm: Algorithm, id: string): readonly Key[] {
    return this.#set.candidates(algorithm, id)
  }

  async start(): Promise<void> {
    await this.tick()
  }

  /** Fetches when it is time to. */
  async tick(): Promise<void> {
    if (this.#closed) return
    if (this.#fetching !== null || this.#now() >= this.#due) await this.#fetch()
  }

  askAgain(): Promise<void> | null {
    if (this.#fetching !== null) return this.#fetching
    if (this.#closed || this.#now() < this.#nextForUnknownKey) return null
    this.#nextForUnknownKey = this.#now() + UNKNOWN_KEY_PAUSE
    return this.#fetch()
  }

  close(): void {
    this.#closed = true
    this.#download?.cancel()
  }

  /** One at a time; never rejects. */
  #fetch(): Promise<void> {
    this.#fetching ??= this.#load().finally(() => (this.#fetching = null))
    return this.#fetching
  }

  async #load(): Promise<void> {
    const { url, refresh, timeout } = this.#options
    try {
      this.#download = download(url, timeout, MAX_BYTES)
      // Secrets in a set that is published would be none.
      const keys = parseJwks(await this.#download.text, false)
      if (this.#set.replace(keys)) this.#log.info({ url: this.#name, keys: keys.length }, 'keys have come')
      this.#failing = false
      this.#due = this.#now() + refresh
    } catch (error) {
      this.#due = this.#now() + Math.min(refresh, RETRY)
      if (this.#closed || this.#failing) return
      this.#failing = true
      const serving = this.available ? 'the last good ones serve' : 'tokens cannot be checked'
      this.#log.error({ url: this.#name, reason: (error as Error).message }, `keys cannot be fetched; ${serving}`)
    }
  }
}
