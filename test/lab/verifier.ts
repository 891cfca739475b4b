// A verifier of tokens with a clock and keys that a test holds in its hands.
import assert from 'node:assert/strict'
import { jwkKey, type Key } from '../../src/auth/key.ts'
import { FixedKeys, KeySet, type Keys } from '../../src/auth/key-set.ts'
import { Verifier } from '../../src/auth/verifier.ts'
import type { Algorithm, CheckedToken, TokenRules } from '../../src/contract/auth.ts'
import type { Claims } from '../../src/contract/plugin.ts'
import { Signer } from './tokens.ts'

const START = 1_800_000_000_000
export const NOW = START / 1000
export const EXP = NOW + 3600

export const es256 = new Signer('ES256', 'one')

class TestClock {
  time = 0
  readonly wall = (): number => START + this.time
  readonly monotonic = (): number => this.time
}

/** Keys that a test replaces, and that it can make come late. */
export class TestKeys implements Keys {
  readonly set = new KeySet()
  asked = 0
  arrival: Promise<void> | null = null

  get available(): boolean {
    return this.set.available
  }

  get revision(): number {
    return this.set.revision
  }

  async start(): Promise<void> {}

  candidates(algorithm: Algorithm, id: string): readonly Key[] {
    return this.set.candidates(algorithm, id)
  }

  askAgain(): Promise<void> | null {
    this.asked++
    return this.arrival
  }
}

export function verifierLab(rules: Partial<TokenRules> = {}, keys: Keys = new FixedKeys(jwkKey(es256.jwk, false)!)) {
  const clock = new TestClock()
  let derived = 0
  const derive = (claims: Claims): object | string => {
    derived++
    return claims['sub'] === 'nobody' ? 'nobody may not' : { sub: claims['sub'] }
  }
  const all: TokenRules = {
    keys: { jwks: '' },
    algorithms: ['ES256'],
    issuers: [],
    audiences: [],
    required: ['exp'],
    leeway: 5000,
    cache: { size: 100, ttl: 60_000 },
    shared: null,
    ...rules,
  }
  const verifier = new Verifier<object>(all, derive, keys, clock)
  const check = async (token: string): Promise<CheckedToken<object>> => verifier.check(token, 0)
  return { verifier, clock, check, derivations: () => derived }
}

export function problemOf(checked: CheckedToken<object>): string {
  return checked.accepted ? 'accepted' : checked.problem
}

/** What is refused without a promise was refused without cryptography. */
export function problemAtOnce(checked: CheckedToken<object> | Promise<CheckedToken<object>>): string {
  assert.ok(!(checked instanceof Promise))
  return problemOf(checked)
}

/** All of them, also those that were known at once. */
export function allOf(checks: readonly (CheckedToken<object> | Promise<CheckedToken<object>>)[]) {
  return Promise.all(checks.map(async (checked) => checked))
}
