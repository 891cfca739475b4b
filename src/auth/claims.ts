// The registered claims (RFC 7519 section 4.1): what they must say, and from when to when.
import type { RefusedToken, TokenRules } from '../contract/auth.ts'
import type { Claims } from '../contract/plugin.ts'
import { EXPIRED, FROM_FUTURE, NOT_YET, refusal, WRONG_AUDIENCE, WRONG_ISSUER } from './refusal.ts'

/** When a token is valid, in ms since 1970, leeway included. Nothing of it changes while the token is remembered. */
export interface Times {
  readonly expires: number
  readonly notBefore: number
  readonly issued: number
}

/** exp, nbf and iat; null when one of them is no number (RFC 7519 section 2, NumericDate). */
export function readTimes(claims: Claims, leeway: number): Times | null {
  const { exp = Infinity, nbf = -Infinity, iat = -Infinity } = claims
  if (typeof exp !== 'number' || typeof nbf !== 'number' || typeof iat !== 'number') return null
  return { expires: exp * 1000 + leeway, notBefore: nbf * 1000 - leeway, issued: iat * 1000 - leeway }
}

/** Null when the token is valid at `time` (ms since 1970). */
export function timeProblem(times: Times, time: number): RefusedToken | null {
  if (time >= times.expires) return EXPIRED
  if (time < times.notBefore) return NOT_YET
  return time < times.issued ? FROM_FUTURE : null
}

export class ClaimRules {
  readonly #issuers: readonly string[]
  readonly #audiences: readonly string[]
  readonly #required: readonly { readonly name: string; readonly missing: RefusedToken }[]

  constructor({ issuers, audiences, required }: TokenRules) {
    this.#issuers = issuers
    this.#audiences = audiences
    this.#required = required.map((name) => ({ name, missing: refusal(`the token has no claim ${name}`) }))
  }

  /** Null when everything that does not depend on the time is as it must be. */
  problem(claims: Claims): RefusedToken | null {
    for (const { name, missing } of this.#required) {
      if (!Object.hasOwn(claims, name) || claims[name] === null) return missing
    }
    if (this.#issuers.length > 0 && !this.#issuers.includes(claims['iss'] as string)) return WRONG_ISSUER
    if (this.#audiences.length > 0 && !this.#isMeant(claims['aud'])) return WRONG_AUDIENCE
    return null
  }

  /** A string, or a list of them. */
  #isMeant(audience: unknown): boolean {
    if (!Array.isArray(audience)) return this.#audiences.includes(audience as string)
    return audience.some((each) => this.#audiences.includes(each as string))
  }
}
