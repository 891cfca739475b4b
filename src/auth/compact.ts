// Reading of the compact serialization (RFC 7515 section 7.1) before any cryptography, strictly.
import { ALGORITHMS, type Algorithm, type RefusedToken } from '../contract/auth.ts'
import type { Claims } from '../contract/plugin.ts'
import { parseObject } from './json.ts'
import { CRITICAL, MALFORMED, WRONG_ALGORITHM } from './refusal.ts'

const MAX_KEY_ID = 256
const KNOWN: ReadonlySet<string> = new Set(ALGORITHMS)

/** The header, as far as it is heeded. `jku`, `jwk`, `x5u` and `x5c` are not: a token does not say whom to trust. */
export interface TokenHeader {
  readonly algorithm: Algorithm
  /** '' if the token names none. */
  readonly keyId: string
}

export interface CompactToken extends TokenHeader {
  /** Not to be believed before the signature is verified. */
  readonly claims: Claims
}

/** The token taken apart, or why it cannot be accepted whatever its signature is. */
export function readCompact(token: string, allowed: ReadonlySet<Algorithm>): CompactToken | RefusedToken {
  const first = token.indexOf('.')
  const second = token.indexOf('.', first + 1)
  if (first < 1 || second < 0 || token.includes('.', second + 1)) return MALFORMED
  if (decodeStrictly(token.slice(second + 1)) === null) return MALFORMED
  const header = readHeader(token.slice(0, first), allowed)
  if ('accepted' in header) return header
  const payload = decodeStrictly(token.slice(first + 1, second))
  const claims = payload === null ? null : parseObject(payload)
  if (claims === null) return MALFORMED
  return { algorithm: header.algorithm, keyId: header.keyId, claims }
}

function readHeader(text: string, allowed: ReadonlySet<Algorithm>): TokenHeader | RefusedToken {
  const bytes = decodeStrictly(text)
  const header = bytes === null ? null : parseObject(bytes)
  if (header === null || typeof header['alg'] !== 'string') return MALFORMED
  const { alg, kid = '' } = header
  if (!KNOWN.has(alg) || !allowed.has(alg as Algorithm)) return WRONG_ALGORITHM
  // RFC 7515 section 4.1.11: an extension that is not understood must be refused, and none is.
  if (header['crit'] !== undefined) return CRITICAL
  if (typeof kid !== 'string' || kid.length > MAX_KEY_ID) return MALFORMED
  return { algorithm: alg as Algorithm, keyId: kid }
}

/**
 * Bytes of base64url (RFC 7515 section 2) without padding; null when it is empty, has other characters, or bits set behind
 * its last byte: one token must not have two spellings.
 */
export function decodeStrictly(text: string): Buffer | null {
  if (text === '') return null
  const bytes = Buffer.from(text, 'base64url')
  return bytes.toString('base64url') === text ? bytes : null
}
