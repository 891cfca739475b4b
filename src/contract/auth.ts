// Checking of signed tokens, as a plugin sees it: JSON Web Tokens (RFC 7519) in the compact serialization of RFC 7515.
import type { Claims } from './plugin.ts'

/** Signature algorithms that can be allowed (RFC 7518 section 3.1, RFC 8037); "none" is not among them. */
export const ALGORITHMS = [
  'HS256',
  'HS384',
  'HS512',
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const

export type Algorithm = (typeof ALGORITHMS)[number]

/** Longest token in bytes; longer ones are refused unread. */
export const MAX_TOKEN = 8192

/** Where keys come from. Files are relative to the working directory; `refresh` and `timeout` are ms. */
export type KeySource =
  | { readonly secret: string }
  | { readonly publicKey: string }
  | { readonly jwks: string }
  | { readonly url: string; readonly refresh: number; readonly timeout: number }

/** What a token must be to be accepted. */
export interface TokenRules {
  readonly keys: KeySource
  readonly algorithms: readonly Algorithm[]
  /** Any of these; none: not checked. */
  readonly issuers: readonly string[]
  /** At least one of these; none: not checked. */
  readonly audiences: readonly string[]
  /** Names of claims that must be there. */
  readonly required: readonly string[]
  /** ms by which clocks may differ. */
  readonly leeway: number
  readonly cache: {
    /** Accepted tokens that are remembered. */
    readonly size: number
    /** ms, at most. */
    readonly ttl: number
  }
  /** Verified signatures are shared with other gateways; null: they are not. */
  readonly shared: SharedCache | null
}

/** A Redis, and the secret that all gateways that trust each other have. */
export interface SharedCache {
  readonly url: string
  readonly secret: string
}

export interface AcceptedToken<T> {
  readonly accepted: true
  readonly claims: Claims
  /** What `derive` has made of the claims. */
  readonly value: T
}

export interface RefusedToken {
  readonly accepted: false
  /** True: it is not known whether the token is good, as there are no keys or too much work. */
  readonly unavailable: boolean
  /** For the client: one of a fixed set of texts for each verifier, without anything from the token. */
  readonly problem: string
}

export type CheckedToken<T> = AcceptedToken<T> | RefusedToken

export interface TokenVerifier<T> {
  /** Loads the keys. Rejects when a file cannot be used; a host that is away only delays the first good answer. */
  start(): Promise<void>
  /**
   * Checks the token that begins at `start` of `text` and ends with it. `text` is also the name under which an accepted
   * token is remembered, so that no substring is made for one that is known. A promise only when a signature must be
   * verified or keys must come first; it never rejects.
   */
  check(text: string, start: number): CheckedToken<T> | Promise<CheckedToken<T>>
}

export interface Auth {
  /**
   * A verifier with caches of its own. `derive` runs once per verified token: what it returns is remembered with the
   * token; a string refuses the token for that reason. Throws TypeError on rules that make no sense.
   */
  verifier<T extends object>(rules: TokenRules, derive: (claims: Claims) => T | string): TokenVerifier<T>
}
