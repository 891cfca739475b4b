// What the plugin needs of a verified token, made once and remembered with it.
import { isHopByHop } from '../../src/base/hop-by-hop.ts'
import { isToken } from '../../src/base/headers.ts'
import type { Claims } from '../../src/contract/plugin.ts'
import { claimAt, claimText, hasScopes } from './claim.ts'

const MAX_CONSUMER = 256
/** A header for each claim has its bounds: the head that reaches the upstream must stay acceptable. */
const MAX_FORWARDED = 4096
const FRAMING = new Set(['host', 'content-length', 'expect'])

export interface TokenFacts {
  readonly consumer: string
  /** Has it all the scopes that are needed? */
  readonly scoped: boolean
  /** A value for each forwarded header; '' for a claim that it lacks. */
  readonly forwarded: readonly string[]
}

export interface FactOptions {
  readonly consumerClaim: string
  readonly scopes: readonly string[]
  /** Claim path -> request header. */
  readonly forward: Readonly<Record<string, string>>
}

export class FactReader {
  /** Names of the forwarded headers, in lower case. */
  readonly headers: readonly string[]
  readonly #paths: readonly string[]
  readonly #consumerClaim: string
  readonly #scopes: readonly string[]

  /** Throws TypeError on headers that cannot be forwarded. */
  constructor({ consumerClaim, scopes, forward }: FactOptions) {
    this.#consumerClaim = consumerClaim
    this.#scopes = scopes
    this.#paths = Object.keys(forward)
    this.headers = Object.values(forward).map((name) => name.toLowerCase())
    for (const [i, name] of this.headers.entries()) {
      if (!isToken(name)) throw new TypeError(`forward: "${name}" is not a header name`)
      if (isHopByHop(name) || FRAMING.has(name)) throw new TypeError(`forward: "${name}" is written by the gateway`)
      if (this.headers.indexOf(name) < i) throw new TypeError(`forward: two claims go to "${name}"`)
    }
  }

  /** A string says why the token cannot be used. */
  read(claims: Claims): TokenFacts | string {
    const claim = claimAt(claims, this.#consumerClaim)
    const consumer = typeof claim === 'string' || typeof claim === 'number' ? claimText(claim) : ''
    if (consumer === '') return `the token has no usable claim ${this.#consumerClaim}`
    if (consumer === null || consumer.length > MAX_CONSUMER) return `the claim ${this.#consumerClaim} cannot be used`
    const forwarded: string[] = []
    for (const path of this.#paths) {
      const text = claimText(claimAt(claims, path))
      if (text === null || text.length > MAX_FORWARDED) return `the claim ${path} cannot be forwarded`
      forwarded.push(text)
    }
    return { consumer, scoped: hasScopes(claims, this.#scopes), forwarded }
  }
}
