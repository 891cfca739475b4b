// What a plugin gets as `host.auth`: verifiers whose keys are shared by all instances that name the same source, so that a
// reload neither fetches nor forgets them.
import { createHash } from 'node:crypto'
import { resolve } from 'node:path'
import { now } from '../base/clock.ts'
import { ALGORITHMS, type Auth, type KeySource, type TokenRules, type TokenVerifier } from '../contract/auth.ts'
import type { Host } from '../contract/host.ts'
import type { Claims } from '../contract/plugin.ts'
import { SYSTEM_CLOCK } from './clock.ts'
import { FileKeys } from './file-keys.ts'
import { isSymmetric, pemKey, secretKey, type Key } from './key.ts'
import { FixedKeys, parseJwks, type Keys } from './key-set.ts'
import { RemoteKeys } from './remote-keys.ts'
import { SharedTokens } from './shared-tokens.ts'
import { Verifier } from './verifier.ts'

/** ms between two looks at what may be due: a changed file, a refresh. */
const TICK = 1000

/** A plugin that starts has 10 s, and waits for the first fetch. */
const MAX_TIMEOUT = 8000
const MIN_REFRESH = 1000

/** What it needs of the Host that it becomes a part of. */
export type Lender = Pick<Host, 'log' | 'shared' | 'every'>

export class TokenAuth implements Auth {
  readonly #host: Lender

  constructor(host: Lender) {
    this.#host = host
  }

  verifier<T extends object>(rules: TokenRules, derive: (claims: Claims) => T | string): TokenVerifier<T> {
    checkRules(rules)
    return new Verifier(rules, derive, this.#keys(rules), SYSTEM_CLOCK, this.#sharedTokens(rules))
  }

  #sharedTokens({ shared }: TokenRules): SharedTokens | null {
    if (shared === null) return null
    const key = createHash('sha256').update(JSON.stringify(shared)).digest('hex')
    return this.#host.shared(
      key,
      () => new SharedTokens(shared, this.#host.log),
      (tokens) => tokens.close(),
    )
  }

  #keys(rules: TokenRules): Keys {
    const { keys } = rules
    if ('secret' in keys) return new FixedKeys(secretKey(keys.secret, rules.algorithms))
    if ('url' in keys) {
      const remote = this.#shared(keys, () => new RemoteKeys(keys, this.#host.log, now))
      return this.#ticking(remote)
    }
    const file = resolve('publicKey' in keys ? keys.publicKey : keys.jwks)
    const parse = (text: string): Key[] => ('publicKey' in keys ? [pemKey(text)] : parseJwks(text, true))
    return this.#ticking(new FileKeys(file, (text) => fitting(parse(text), rules), this.#host.log))
  }

  #shared(options: KeySource, create: () => RemoteKeys): RemoteKeys {
    // A digest: the key of shared state may appear in an error, and a URL may hold a secret.
    const key = createHash('sha256').update(JSON.stringify(options)).digest('hex')
    return this.#host.shared(key, create, (remote) => remote.close())
  }

  /** Ticks from its start on: a configuration that is only checked opens nothing. */
  #ticking(keys: FileKeys | RemoteKeys): Keys {
    const start = async (): Promise<void> => {
      await keys.start()
      this.#host.every(TICK, () => keys.tick())
    }
    return new StartedKeys(keys, start)
  }
}

/** Keys whose start does more than their own. */
class StartedKeys implements Keys {
  readonly #keys: Keys
  readonly start: () => Promise<void>

  constructor(keys: Keys, start: () => Promise<void>) {
    this.#keys = keys
    this.start = start
  }

  get available(): boolean {
    return this.#keys.available
  }

  get revision(): number {
    return this.#keys.revision
  }

  candidates(...args: Parameters<Keys['candidates']>): readonly Key[] {
    return this.#keys.candidates(...args)
  }

  askAgain(): Promise<void> | null {
    return this.#keys.askAgain()
  }
}

/** Throws TypeError when none of the keys is for any of the algorithms: then no token could ever be accepted. */
function fitting(keys: readonly Key[], { algorithms }: TokenRules): readonly Key[] {
  const usable = keys.filter((key) => algorithms.some((algorithm) => key.fits(algorithm)))
  if (usable.length === 0 && keys.length > 0)
    throw new TypeError(`it has no key for the algorithms ${algorithms.join(', ')}`)
  return usable
}

function checkRules({ algorithms, keys, cache }: TokenRules): void {
  for (const algorithm of algorithms) {
    if (!ALGORITHMS.includes(algorithm)) throw new TypeError(`algorithms: "${algorithm as string}" is not supported`)
    if ('secret' in keys && !isSymmetric(algorithm))
      throw new TypeError(`algorithms: ${algorithm} needs a public key, not keys.secret`)
    if (('publicKey' in keys || 'url' in keys) && isSymmetric(algorithm))
      throw new TypeError(`algorithms: ${algorithm} needs keys.secret; a public key is no secret`)
  }
  if (algorithms.length === 0) throw new TypeError('algorithms: at least one is needed')
  if (cache.size < 1) throw new TypeError('cache.size: at least 1 is needed')
  if ('url' in keys) checkRemote(keys)
}

function checkRemote({ url, refresh, timeout }: Extract<KeySource, { url: string }>): void {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new TypeError('keys.url: expected a URL such as https://issuer.example/.well-known/jwks.json')
  const { username, password } = new URL(url)
  if (username !== '' || password !== '') throw new TypeError('keys.url: credentials in it are not supported')
  if (refresh < MIN_REFRESH) throw new TypeError(`keys.refresh: at least ${MIN_REFRESH / 1000}s is needed`)
  if (timeout < 1 || timeout > MAX_TIMEOUT) throw new TypeError(`keys.timeout: from 1ms to ${MAX_TIMEOUT / 1000}s`)
}
