// Content-Digest (RFC 9530): the body is hashed while it streams, and its last chunk waits for the result.
import { createHash, timingSafeEqual, type Hash } from 'node:crypto'
import { BodyRefused, ERRORS, type BodyTransform } from '../../src/contract/plugin.ts'

const SHA_256 = /(?:^|,)[ \t]*sha-256=:([A-Za-z0-9+/]{43}=):[ \t]*(?:,|$)/
const LONGEST_FIELD = 1024
const EMPTY = createHash('sha256').digest()

/** The SHA-256 in a Content-Digest field; null if there is none. */
export function readDigest(field: string): Buffer | null {
  if (field.length > LONGEST_FIELD) return null
  const text = SHA_256.exec(field)?.[1]
  return text === undefined ? null : Buffer.from(text, 'base64')
}

export function isDigestOfNothing(digest: Buffer): boolean {
  return timingSafeEqual(digest, EMPTY)
}

/** Passes each chunk on when the next one has come, and the last one when the digest is right. */
export class DigestCheck implements BodyTransform {
  readonly #wanted: Buffer
  readonly #hash: Hash = createHash('sha256')
  #held: Buffer | null = null

  constructor(wanted: Buffer) {
    this.#wanted = wanted
  }

  chunk(bytes: Uint8Array): Uint8Array | null {
    const before = this.#held
    this.#hash.update(bytes)
    // `bytes` are gone after this call.
    this.#held = Buffer.from(bytes)
    return before
  }

  end(): Uint8Array | null {
    if (!timingSafeEqual(this.#hash.digest(), this.#wanted)) {
      throw new BodyRefused(ERRORS.badBody, 'The body does not have the SHA-256 of Content-Digest.')
    }
    return this.#held
  }
}
