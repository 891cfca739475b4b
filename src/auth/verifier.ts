// From a token to a verdict. The order matters: what is remembered, then what is cheap to refuse, then cryptography,
// which is done once per token however many requests bring it at the same time.
import {
  MAX_TOKEN,
  type Algorithm,
  type CheckedToken,
  type RefusedToken,
  type TokenRules,
  type TokenVerifier,
} from '../contract/auth.ts'
import type { Claims } from '../contract/plugin.ts'
import { ClaimRules, readTimes, type Times } from './claims.ts'
import { readCompact, type CompactToken } from './compact.ts'
import { SYSTEM_CLOCK, type Clock } from './clock.ts'
import type { Key } from './key.ts'
import type { Keys } from './key-set.ts'
import { BAD_SIGNATURE, BAD_TIME, EXPIRED, NO_KEYS, OVERLOADED, refusal, TOO_LONG, UNKNOWN_KEY } from './refusal.ts'
import { RefusedTokens } from './refused-tokens.ts'
import type { SharedTokens } from './shared-tokens.ts'
import { isSigned } from './signature.ts'
import { TokenCache, TokenEntry } from './token-cache.ts'

/** Refused tokens that are remembered, and for how many ms. */
const REFUSED_SIZE = 1000
const REFUSED_TTL = 5000
/** Tokens that are verified at the same time: about half a second of work for the threads that do it. */
const MAX_RUNNING = 4096
/** Of these, how many may wait for a key host; the others are told at once that their key is not known. */
const MAX_WAITING = 256

export class Verifier<T extends object> implements TokenVerifier<T> {
  readonly #rules: TokenRules
  readonly #algorithms: ReadonlySet<Algorithm>
  readonly #claimRules: ClaimRules
  readonly #derive: (claims: Claims) => T | string
  readonly #keys: Keys
  readonly #clock: Clock
  readonly #shared: SharedTokens | null
  readonly #accepted: TokenCache<T>
  readonly #refused = new RefusedTokens(REFUSED_SIZE)
  readonly #running = new Map<string, Promise<CheckedToken<T>>>()
  #count = 0
  #waiting = 0
  /** Of the keys that everything remembered here was verified with. */
  #revision = 0

  /** `shared` null: every signature is verified here. */
  constructor(
    rules: TokenRules,
    derive: (claims: Claims) => T | string,
    keys: Keys,
    clock: Clock = SYSTEM_CLOCK,
    shared: SharedTokens | null = null,
  ) {
    this.#shared = shared
    this.#rules = rules
    this.#algorithms = new Set(rules.algorithms)
    this.#claimRules = new ClaimRules(rules)
    this.#derive = derive
    this.#keys = keys
    this.#clock = clock
    this.#accepted = new TokenCache<T>(rules.cache.size)
  }

  /** Tokens in the two caches, and those being verified. */
  get sizes(): { readonly accepted: number; readonly refused: number; readonly running: number } {
    return { accepted: this.#accepted.size, refused: this.#refused.size, running: this.#count }
  }

  async start(): Promise<void> {
    await Promise.all([this.#keys.start(), this.#shared?.start()])
  }

  check(text: string, start: number): CheckedToken<T> | Promise<CheckedToken<T>> {
    if (text.length - start > MAX_TOKEN) return TOO_LONG
    if (this.#keys.revision !== this.#revision) this.#forget()
    const entry = this.#accepted.find(text, this.#clock.monotonic())
    if (entry === null) return this.#checkUnknown(text, start)
    const problem = entry.problem(this.#clock.wall())
    return problem ?? entry
  }

  #forget(): void {
    this.#revision = this.#keys.revision
    this.#accepted.clear()
    this.#refused.clear()
    // Those that run go on for the requests that wait for them; new requests do not join.
    this.#running.clear()
  }

  #checkUnknown(text: string, start: number): CheckedToken<T> | Promise<CheckedToken<T>> {
    const refused = this.#refused.find(text, this.#clock.monotonic())
    if (refused !== null) return refused
    const running = this.#running.get(text)
    if (running !== undefined) return running
    if (!this.#keys.available) return NO_KEYS
    const token = text.slice(start)
    const parsed = readCompact(token, this.#algorithms)
    if ('accepted' in parsed) return parsed
    if (this.#count >= MAX_RUNNING) return OVERLOADED
    const keys = this.#keys.candidates(parsed.algorithm, parsed.keyId)
    if (keys.length > 0) return this.#run(text, this.#verify(text, token, parsed, keys))
    const asked = this.#waiting < MAX_WAITING ? this.#keys.askAgain() : null
    if (asked === null) return UNKNOWN_KEY
    return this.#run(text, this.#verifyAfter(asked, text, token, parsed))
  }

  #run(text: string, work: Promise<CheckedToken<T>>): Promise<CheckedToken<T>> {
    this.#count++
    const running = work.finally(() => {
      this.#count--
      if (this.#running.get(text) === running) this.#running.delete(text)
    })
    this.#running.set(text, running)
    return running
  }

  async #verifyAfter(
    asked: Promise<void>,
    text: string,
    token: string,
    parsed: CompactToken,
  ): Promise<CheckedToken<T>> {
    this.#waiting++
    await asked
    this.#waiting--
    const keys = this.#keys.candidates(parsed.algorithm, parsed.keyId)
    return keys.length === 0 ? UNKNOWN_KEY : this.#verify(text, token, parsed, keys)
  }

  async #verify(text: string, token: string, parsed: CompactToken, keys: readonly Key[]): Promise<CheckedToken<T>> {
    const { revision } = this.#keys
    const { algorithm } = parsed
    const known = this.#shared !== null && (await this.#shared.knows(token, algorithm, keys))
    const signed = known || (await isSigned(token, algorithm, keys))
    const result: TokenEntry<T> | RefusedToken = signed ? this.#judge(text, parsed.claims) : BAD_SIGNATURE
    // Verified with keys that have been replaced meanwhile: good for this request only.
    if (revision === this.#keys.revision) this.#remember(text, result)
    if (!known && result instanceof TokenEntry) {
      this.#shared?.remember(token, algorithm, keys, result.until - this.#clock.monotonic())
    }
    return result instanceof TokenEntry ? (result.problem(this.#clock.wall()) ?? result) : result
  }

  /**
   * The signature is right: now the token may be believed, and must still be what the rules say. One that is not valid yet
   * is remembered among the good ones: as each hit looks at its times, it is good in time without another verification.
   */
  #judge(text: string, claims: Claims): TokenEntry<T> | RefusedToken {
    const times = readTimes(claims, this.#rules.leeway)
    if (times === null) return BAD_TIME
    if (this.#clock.wall() >= times.expires) return EXPIRED
    const problem = this.#claimRules.problem(claims)
    if (problem !== null) return problem
    const value = this.#derive(claims)
    if (typeof value === 'string') return refusal(value)
    return new TokenEntry(text, claims, value, times, this.#until(times))
  }

  /** min(exp, ttl), as a monotonic time; `exp` itself is looked at on every hit as well. */
  #until({ expires }: Times): number {
    return this.#clock.monotonic() + Math.min(this.#rules.cache.ttl, expires - this.#clock.wall())
  }

  #remember(text: string, result: TokenEntry<T> | RefusedToken): void {
    if (this.#keys.revision !== this.#revision) this.#forget()
    if (result instanceof TokenEntry) this.#accepted.add(result)
    else this.#refused.add(text, result, this.#clock.monotonic() + REFUSED_TTL)
  }
}
