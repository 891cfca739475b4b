// Tokens for tests, good ones and such as no library would make.
import { createHmac, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'

export type Json = Readonly<Record<string, unknown>>

export function base64url(value: string | Uint8Array): string {
  return Buffer.from(value).toString('base64url')
}

const HASHES: Readonly<Record<string, string>> = { '256': 'sha256', '384': 'sha384', '512': 'sha512' }

/** A key pair with what an issuer would publish of it. */
export class Signer {
  readonly algorithm: string
  readonly id: string
  readonly publicKey: KeyObject
  readonly #privateKey: KeyObject

  constructor(algorithm: string, id: string) {
    this.algorithm = algorithm
    this.id = id
    const pair = generate(algorithm)
    this.publicKey = pair.publicKey
    this.#privateKey = pair.privateKey
  }

  get jwk(): Json {
    return { ...this.publicKey.export({ format: 'jwk' }), kid: this.id, alg: this.algorithm, use: 'sig' }
  }

  get pem(): string {
    return this.publicKey.export({ type: 'spki', format: 'pem' }).toString()
  }

  token(claims: Json, header: Json = {}): string {
    const head = { alg: this.algorithm, kid: this.id, ...header }
    return this.signed(JSON.stringify(head), JSON.stringify(claims))
  }

  /** Of these texts, whatever they say. */
  signed(header: string | Uint8Array, payload: string | Uint8Array): string {
    const input = `${base64url(header)}.${base64url(payload)}`
    return `${input}.${base64url(signature(this.algorithm, this.#privateKey, input))}`
  }
}

function generate(algorithm: string): { publicKey: KeyObject; privateKey: KeyObject } {
  if (algorithm === 'EdDSA') return generateKeyPairSync('ed25519')
  if (!algorithm.startsWith('ES')) return generateKeyPairSync('rsa', { modulusLength: 2048 })
  const namedCurve = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' }[algorithm]!
  return generateKeyPairSync('ec', { namedCurve })
}

function signature(algorithm: string, key: KeyObject, input: string): Buffer {
  const hash = HASHES[algorithm.slice(2)]
  if (hash === undefined) return sign(null, Buffer.from(input), key)
  if (algorithm.startsWith('ES')) return sign(hash, Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' })
  const padding = algorithm.startsWith('PS') ? { padding: 6, saltLength: -1 } : {} // RSA_PKCS1_PSS_PADDING, digest length
  return sign(hash, Buffer.from(input), { key, ...padding })
}

/** HMAC, with any bytes as its secret. */
export function hmacToken(secret: string | Uint8Array, header: Json, claims: Json): string {
  const input = `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify(claims))}`
  const hash = HASHES[String(header['alg']).slice(2)] ?? 'sha256'
  return `${input}.${createHmac(hash, secret).update(input).digest('base64url')}`
}

/** Seconds since 1970, as tokens count. */
export function secondsFromNow(seconds: number): number {
  return Math.floor(Date.now() / 1000) + seconds
}
