// Signed requests: a shared secret that is never sent, a date, a digest of the body, and no signature twice.
import { challenge } from '../../src/base/challenge.ts'
import { isToken } from '../../src/base/headers.ts'
import {
  definePlugin,
  Duration,
  ERRORS,
  NEXT,
  Secret,
  Type,
  type BodyStep,
  type PluginExchange,
  type Verdict,
} from '../../src/contract/plugin.ts'
import { MOST_HEADERS, readAuthorization, type Signed } from './authorization.ts'
import { DigestCheck, isDigestOfNothing, readDigest } from './body-digest.ts'
import { canonicalText, type SignedHead } from './canonical.ts'
import { readDate } from './date.ts'
import { isSignedWith, readKeys } from './keys.ts'
import { ReplayTable } from './replay-table.ts'

const LARGEST_SKEW = 3_600_000

const Key = Type.Object(
  {
    id: Type.String({ description: 'What the request names as keyId' }),
    secret: Secret({ description: 'The shared secret, at least 16 bytes' }),
    consumer: Type.String({ minLength: 1, description: 'Who signs with it' }),
    claims: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), { description: 'What acl and others may know of the consumer' }),
    ),
  },
  { additionalProperties: false },
)

export default definePlugin({
  name: 'hmac-auth',
  summary: 'Lets requests pass that are signed with a shared secret',
  order: 330,
  schema: Type.Object(
    {
      keys: Type.Array(Key, { minItems: 1, description: 'The secrets that are known' }),
      clockSkew: Type.Optional(
        Duration({ description: 'How far the date of a request may be from now; at most 1h', default: '5m' }),
      ),
      headers: Type.Optional(
        Type.Array(Type.String(), { description: 'Headers that every signature must cover', default: [] }),
      ),
      verifyBody: Type.Optional(
        Type.Boolean({ description: 'Compare the body with its Content-Digest', default: true }),
      ),
      replays: Type.Optional(
        Type.Integer({ minimum: 1, maximum: 10_000_000, description: 'Signatures to remember', default: 100_000 }),
      ),
      realm: Type.Optional(Type.String({ description: 'What the 401 calls the protected space', default: 'api' })),
    },
    { additionalProperties: false },
  ),
  compile(options, host) {
    const { clockSkew = 300_000, headers = [], verifyBody = true, replays = 100_000, realm = 'api' } = options
    checkOptions(clockSkew, headers)
    const keys = readKeys(options.keys)
    const required = headers.map((name) => name.toLowerCase())
    const used = host.shared('signatures', () => new ReplayTable())
    used.keepFor(clockSkew)
    const wanted = challenge('HMAC-SHA256', realm)
    /** Until the body is opened. A later plugin may change the header, and the Exchange serves other requests later. */
    const digests = new WeakMap<PluginExchange, Buffer>()

    const refuse = (x: PluginExchange, detail: string): Verdict => {
      x.setResponseHeader('www-authenticate', wanted)
      return x.deny(ERRORS.unauthorized, detail)
    }

    const access = (x: PluginExchange): Verdict => {
      digests.delete(x)
      const fields = x.headerValues('authorization')
      if (fields.length === 0) return refuse(x, 'The request is not signed.')
      const signed = fields.length === 1 ? readAuthorization(fields[0]!) : null
      if (signed === null) return refuse(x, 'Authorization is not one well-formed field of the HMAC-SHA256 scheme.')
      const head = readHead(x)
      if (typeof head === 'string') return refuse(x, head)
      const date = readDate(head.date)
      if (Number.isNaN(date)) return refuse(x, 'The date is neither an IMF-fixdate nor a timestamp of RFC 3339.')
      if (Math.abs(Date.now() - date) > clockSkew) return refuse(x, 'The date is too far from now.')
      const problem = headersProblem(x, signed, required)
      if (problem !== '') return refuse(x, problem)
      const digest = head.digest === '' ? null : readDigest(head.digest)
      if (digest === null && (head.digest !== '' || x.requestBodyLength !== 0)) {
        return refuse(x, 'A body needs a Content-Digest with sha-256 (RFC 9530).')
      }
      const key = keys.get(signed.keyId)
      if (!isSignedWith(key, canonicalText(x, head, signed.headers), signed.signature)) {
        return refuse(x, 'The signature is wrong, or its key is not known.')
      }
      const use = used.use(signed.signature.toString('latin1'), date, replays)
      if (use === 'again') return refuse(x, 'The signature was used before.')
      if (use === 'full') return x.deny(ERRORS.authUnavailable, 'Too many signatures are remembered.')
      if (verifyBody && digest !== null) {
        if (x.requestBodyLength !== 0) digests.set(x, digest)
        else if (!isDigestOfNothing(digest)) return x.deny(ERRORS.badBody, 'There is no body for this Content-Digest.')
      }
      x.authenticate(key!.consumer, key!.claims)
      return NEXT
    }

    const request: BodyStep = (x) => {
      const digest = digests.get(x)
      return digest === undefined ? null : new DigestCheck(digest)
    }
    return verifyBody ? { access, body: { request } } : { access }
  },
})

/** The date and the digest, or what is wrong with them. */
function readHead(x: PluginExchange): SignedHead | string {
  const dates = x.headerValues(x.hasHeader('x-date') ? 'x-date' : 'date')
  if (dates.length !== 1) return 'A signed request has one X-Date, or one Date.'
  const digests = x.headerValues('content-digest')
  if (digests.length > 1) return 'Content-Digest is there more than once.'
  return { date: dates[0]!, digest: digests[0] ?? '' }
}

/** A header that is there twice would be signed once and read by the upstream as it likes. */
function headersProblem(x: PluginExchange, { headers }: Signed, required: readonly string[]): string {
  for (let i = 0; i < required.length; i++) {
    if (!headers.includes(required[i]!)) return `The signature must cover ${required[i]!}.`
  }
  for (let i = 0; i < headers.length; i++) {
    const count = x.headerValues(headers[i]!).length
    if (count !== 1) return count === 0 ? 'A signed header is missing.' : 'A signed header is there more than once.'
  }
  return ''
}

function checkOptions(clockSkew: number, headers: readonly string[]): void {
  if (clockSkew < 1000 || clockSkew > LARGEST_SKEW) throw new TypeError('clockSkew is from 1s to 1h')
  if (headers.length > MOST_HEADERS) throw new TypeError(`a signature covers at most ${MOST_HEADERS} headers`)
  for (const name of headers) {
    if (!isToken(name)) throw new TypeError(`headers: "${name}" is not a header name`)
    if (name.toLowerCase() === 'authorization') throw new TypeError('headers: authorization holds the signature itself')
  }
}
