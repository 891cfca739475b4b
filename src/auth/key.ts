// One key, and what it may verify: a key serves only the algorithms of its own type, so that a public RSA key can never
// be taken for the secret of an HMAC (RFC 8725 section 3.1).
import { createHash, createPublicKey, createSecretKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import type { Algorithm } from '../contract/auth.ts'

/** RFC 7518 section 3.3. */
const MIN_RSA_BITS = 2048

type Family = 'secret' | 'rsa' | 'P-256' | 'P-384' | 'P-521' | 'Ed25519'

const FAMILIES: Readonly<Record<Algorithm, Family>> = {
  HS256: 'secret',
  HS384: 'secret',
  HS512: 'secret',
  RS256: 'rsa',
  RS384: 'rsa',
  RS512: 'rsa',
  PS256: 'rsa',
  PS384: 'rsa',
  PS512: 'rsa',
  ES256: 'P-256',
  ES384: 'P-384',
  ES512: 'P-521',
  EdDSA: 'Ed25519',
}

const CURVES: Readonly<Record<string, Family>> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' }

/** RFC 7518 section 3.2: a secret has at least the size of the hash. */
const SECRET_BYTES: Readonly<Partial<Record<Algorithm, number>>> = { HS256: 32, HS384: 48, HS512: 64 }

export class Key {
  /** '' if it has none. */
  readonly id: string
  readonly object: KeyObject
  readonly #family: Family
  /** The only algorithm that it is for; '' if it does not say. */
  readonly #algorithm: string

  /** Throws TypeError on a kind or size of key that no algorithm here can use. */
  constructor(object: KeyObject, id = '', algorithm = '') {
    this.object = object
    this.id = id
    this.#family = familyOf(object)
    this.#algorithm = algorithm
  }

  fits(algorithm: Algorithm): boolean {
    if (FAMILIES[algorithm] !== this.#family || (this.#algorithm !== '' && this.#algorithm !== algorithm)) return false
    return this.#family !== 'secret' || this.object.symmetricKeySize! >= SECRET_BYTES[algorithm]!
  }

  /** Equal for keys that verify the same tokens. */
  get fingerprint(): string {
    const bytes =
      this.object.type === 'secret' ? this.object.export() : this.object.export({ type: 'spki', format: 'der' })
    return JSON.stringify([this.id, this.#algorithm, createHash('sha256').update(bytes).digest('base64url')])
  }
}

export function isSymmetric(algorithm: Algorithm): boolean {
  return FAMILIES[algorithm] === 'secret'
}

function familyOf(object: KeyObject): Family {
  if (object.type === 'secret') return 'secret'
  const { modulusLength = 0, namedCurve = '' } = object.asymmetricKeyDetails ?? {}
  switch (object.asymmetricKeyType) {
    case 'rsa':
      if (modulusLength < MIN_RSA_BITS) throw new TypeError(`an RSA key needs ${MIN_RSA_BITS} bits, this one has fewer`)
      return 'rsa'
    case 'ec':
      if (CURVES[namedCurve] === undefined) throw new TypeError(`the curve ${namedCurve} is not supported`)
      return CURVES[namedCurve]
    case 'ed25519':
      return 'Ed25519'
    default:
      throw new TypeError(`keys of the type ${object.asymmetricKeyType ?? 'unknown'} are not supported`)
  }
}

/** Throws TypeError when the secret is too short for one of the algorithms. */
export function secretKey(secret: string, algorithms: readonly Algorithm[]): Key {
  const bytes = Buffer.from(secret, 'utf8')
  for (const algorithm of algorithms) {
    const needed = SECRET_BYTES[algorithm] ?? 0
    if (bytes.length < needed)
      throw new TypeError(`keys.secret has ${bytes.length} bytes; ${algorithm} needs at least ${needed}`)
  }
  return new Key(createSecretKey(bytes))
}

/** Throws on anything but one public key, or a certificate, in PEM. */
export function pemKey(pem: string): Key {
  if (pem.includes('PRIVATE KEY')) throw new TypeError('it holds a private key; only the public key belongs here')
  return new Key(createPublicKey({ key: pem, format: 'pem' }))
}

/** The key of a JWK (RFC 7517), or null for one that is of no use here: for encryption, or of an unknown kind. */
export function jwkKey(jwk: unknown, allowSecret: boolean): Key | null {
  if (typeof jwk !== 'object' || jwk === null) return null
  const { kty, kid = '', alg = '', use = 'sig', key_ops: operations = ['verify'] } = jwk as Record<string, unknown>
  if (typeof kid !== 'string' || typeof alg !== 'string' || use !== 'sig') return null
  if (!Array.isArray(operations) || !operations.includes('verify')) return null
  try {
    if (kty === 'oct') return allowSecret ? new Key(octKey(jwk as JsonWebKey), kid, alg) : null
    return new Key(createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' }), kid, alg)
  } catch {
    return null // RFC 7517 section 5: keys that cannot be used are ignored
  }
}

function octKey({ k }: JsonWebKey): KeyObject {
  return createSecretKey(Buffer.from(String(k), 'base64url'))
}
