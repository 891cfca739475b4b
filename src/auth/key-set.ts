// The keys that tokens are verified with, whichever way they come.
import type { Algorithm } from '../contract/auth.ts'
import { jwkKey, type Key } from './key.ts'

/** More keys than any issuer has; a larger set is taken for a mistake or an attack. */
const MAX_KEYS = 100
/** Keys that are tried for a token that does not name its own. */
const MAX_TRIED = 4

export interface Keys {
  /** Rejects when it can never work. */
  start(): Promise<void>
  /** Keys that may have signed such a token, at most a few; empty when none is known. */
  candidates(algorithm: Algorithm, id: string): readonly Key[]
  /** False as long as there never were any keys. */
  readonly available: boolean
  /** Grows whenever the keys change. */
  readonly revision: number
  /** May asking again help against an unknown key? Null if not, else resolves when it was done. Never rejects. */
  askAgain(): Promise<void> | null
}

/** Some keys, replaced all at once. */
export class KeySet {
  available = false
  revision = 0
  #keys: readonly Key[] = []
  #fingerprint = ''

  /** False when nothing changes. */
  replace(keys: readonly Key[]): boolean {
    const fingerprint = keys
      .map((key) => key.fingerprint)
      .toSorted()
      .join()
    if (this.available && fingerprint === this.#fingerprint) return false
    this.#keys = keys
    this.#fingerprint = fingerprint
    this.available = true
    this.revision++
    return true
  }

  /** A key without an id may belong to any token; a token without an id may belong to any key. */
  candidates(algorithm: Algorithm, id: string): readonly Key[] {
    const found = this.#keys.filter((key) => (id === '' || key.id === '' || key.id === id) && key.fits(algorithm))
    return found.length > MAX_TRIED ? found.slice(0, MAX_TRIED) : found
  }
}

/** The usable keys of a JWK Set (RFC 7517 section 5). Throws TypeError on what is no such set. */
export function parseJwks(text: string, allowSecret: boolean): Key[] {
  const keys = readKeys(text)
  if (keys.length > MAX_KEYS) throw new TypeError(`a JWK Set has at most ${MAX_KEYS} keys, this one has ${keys.length}`)
  return keys.map((jwk) => jwkKey(jwk, allowSecret)).filter((key) => key !== null)
}

function readKeys(text: string): unknown[] {
  let set: { keys?: unknown } | null
  try {
    set = JSON.parse(text) as { keys?: unknown } | null
  } catch {
    // What JSON.parse says quotes the text, which may hold a secret.
    throw new TypeError('it is not JSON')
  }
  if (!Array.isArray(set?.keys)) throw new TypeError('it is no JWK Set: it has no list "keys"')
  return set.keys as unknown[]
}

/** Keys that never change. */
export class FixedKeys implements Keys {
  readonly available = true
  readonly revision = 0
  readonly #set = new KeySet()

  constructor(key: Key) {
    this.#set.replace([key])
  }

  start(): Promise<void> {
    return Promise.resolve()
  }

  candidates(algorithm: Algorithm, id: string): readonly Key[] {
    return this.#set.candidates(algorithm, id)
  }

  askAgain(): null {
    return null
  }
}
