// Keys from a JWKS host. Requests never wait for it, except for the first token of a key that is not known yet.
import type { Algorithm } from '../contract/auth.ts'
import type { PluginLogger } from '../contract/host.ts'
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
  /** Of the fetch that runs. */
  #controller = new AbortController()
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
    this.#controller.abort()
  }

  /** One at a time; never rejects. */
  #fetch(): Promise<void> {
    this.#fetching ??= this.#load().finally(() => (this.#fetching = null))
    return this.#fetching
  }

  async #load(): Promise<void> {
    const { refresh } = this.#options
    try {
      // Secrets in a set that is published would be none.
      const keys = parseJwks(await this.#text(), false)
      if (this.#set.replace(keys)) this.#log.info({ url: this.#name, keys: keys.length }, 'keys have come')
      this.#failing = false
      this.#due = this.#now() + refresh
    } catch (error) {
      this.#due = this.#now() + Math.min(refresh, RETRY)
      if (this.#closed || this.#failing) return
      this.#failing = true
      const serving = this.available ? 'the last good ones serve' : 'tokens cannot be checked'
      this.#log.error({ url: this.#name, reason: reasonOf(error) }, `keys cannot be fetched; ${serving}`)
    }
  }

  /** One timer from the first byte to the last. AbortSignal.timeout will not do: below AbortSignal.any it may be collected. */
  async #text(): Promise<string> {
    this.#controller = new AbortController()
    const { timeout } = this.#options
    const late = (): void => this.#controller.abort(new Error(`no reply within ${timeout} ms`))
    const timer = setTimeout(late, timeout)
    try {
      return await this.#read(this.#controller.signal)
    } finally {
      clearTimeout(timer)
    }
  }

  async #read(signal: AbortSignal): Promise<string> {
    const response = await fetch(this.#options.url, {
      headers: { accept: 'application/jwk-set+json, application/json' },
      redirect: 'error', // to be sent elsewhere is to be told by somebody else whom to trust
      signal,
    })
    if (response.status !== 200 || response.body === null) {
      await response.body?.cancel()
      throw new Error(`status ${response.status}`)
    }
    const chunks: Uint8Array[] = []
    let size = 0
    for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
      size += chunk.length
      if (size > MAX_BYTES) throw new Error(`more than ${MAX_BYTES} bytes`)
      chunks.push(chunk)
    }
    return Buffer.concat(chunks).toString('utf8')
  }
}

/** What fetch throws hides the reason in `cause`. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error
  return cause instanceof Error ? `${message}: ${cause.message}` : message
}
