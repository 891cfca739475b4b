// Shared secrets by their id.
import { createHmac, createSecretKey, randomBytes, timingSafeEqual, type KeyObject } from 'node:crypto'
import { isFieldValue } from '../../src/base/headers.ts'
import type { Claims } from '../../src/contract/plugin.ts'

export interface KeyOptions {
  readonly id: string
  readonly secret: string
  readonly consumer: string
  readonly claims?: Claims
}

export interface SharedKey {
  readonly secret: KeyObject
  readonly consumer: string
  readonly claims: Claims
}

/** Bytes; a shorter secret can be guessed from one signed request. */
const SHORTEST_SECRET = 16
const ID = /^[\x21\x23-\x2b\x2d-\x7e]{1,128}$/

/** Compared with when the id is not known, so that an unknown id takes as long as a known one. */
const DECOY = createSecretKey(randomBytes(32))

/** Throws TypeError, without showing a secret. */
export function readKeys(keys: readonly KeyOptions[]): ReadonlyMap<string, SharedKey> {
  const byId = new Map<string, SharedKey>()
  for (const [i, { id, secret, consumer, claims = {} }] of keys.entries()) {
    if (!ID.test(id))
      throw new TypeError(`keys[${i}].id has from 1 to 128 visible characters, without quotes and commas`)
    if (byId.has(id)) throw new TypeError(`keys[${i}].id "${id}" is there twice`)
    if (!isFieldValue(consumer)) throw new TypeError(`keys[${i}].consumer has characters that HTTP forbids in a header`)
    const bytes = Buffer.from(secret)
    if (bytes.length < SHORTEST_SECRET) {
      throw new TypeError(`keys[${i}].secret has ${bytes.length} bytes; at least ${SHORTEST_SECRET} are expected`)
    }
    byId.set(id, { secret: createSecretKey(bytes), consumer, claims })
  }
  return byId
}

/** Is `signature` the HMAC of `text`? Never for an unknown key. */
export function isSignedWith(key: SharedKey | undefined, text: string, signature: Buffer): boolean {
  const expected = createHmac('sha256', key?.secret ?? DECOY)
    .update(text, 'latin1')
    .digest()
  return timingSafeEqual(expected, signature) && key !== undefined
}
