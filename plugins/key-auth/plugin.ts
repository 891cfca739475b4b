// API keys. Only their SHA-256 is kept and looked up, so that the time of a comparison says nothing about a key.
import { hash } from 'node:crypto'
import { challenge } from '../../src/base/challenge.ts'
import { isFieldValue } from '../../src/base/headers.ts'
import { definePlugin, ERRORS, NEXT, Secret, Type, type Claims } from '../../src/contract/plugin.ts'
import { keySources, type KeySource } from './source.ts'

/** Characters; a longer key is refused before it is hashed. */
const LONGEST_KEY = 1024
const DIGEST_PREFIX = 'sha256:'

const Key = Type.Object(
  {
    key: Secret({ description: 'The key itself, or sha256: and the SHA-256 of it in hexadecimal' }),
    consumer: Type.String({ minLength: 1, description: 'Who uses it' }),
    claims: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), { description: 'What acl and others may know of the consumer' }),
    ),
  },
  { additionalProperties: false },
)

const From = Type.Object(
  {
    header: Type.Optional(Type.String({ minLength: 1, description: 'Name of a header' })),
    cookie: Type.Optional(Type.String({ minLength: 1, description: 'Name of a cookie' })),
    query: Type.Optional(Type.String({ minLength: 1, description: 'Name of a query parameter' })),
  },
  { additionalProperties: false, description: 'Where the key may stand', default: { header: 'x-api-key' } },
)

interface Consumer {
  readonly name: string
  readonly claims: Claims
}

export default definePlugin({
  name: 'key-auth',
  summary: 'Lets requests with a known API key pass, and says whose it is',
  order: 310,
  phase: 'access',
  schema: Type.Object(
    {
      keys: Type.Array(Key, { minItems: 1, description: 'The keys that are known' }),
      from: Type.Optional(From),
      hide: Type.Optional(Type.Boolean({ description: 'Remove the key from what is forwarded', default: true })),
      realm: Type.Optional(Type.String({ description: 'What the 401 calls the protected space', default: 'api' })),
    },
    { additionalProperties: false },
  ),
  compile({ keys, from = { header: 'x-api-key' }, hide = true, realm = 'api' }) {
    const consumers = consumersByDigest(keys)
    const sources = keySources(from)
    const wanted = challenge('ApiKey', realm)

    return (x) => {
      let digest = ''
      let found = 0
      let tooLong = false
      for (let i = 0; i < sources.length; i++) {
        const values = sources[i]!.read(x)
        found += values.length
        if (values.length !== 1) continue
        if (values[0]!.length > LONGEST_KEY) tooLong = true
        else digest = hash('sha256', values[0]!, 'hex')
      }
      // Two keys are refused: the upstream might believe the other one.
      const consumer = found === 1 && !tooLong ? consumers.get(digest) : undefined
      if (consumer === undefined) {
        x.setResponseHeader('www-authenticate', wanted)
        return x.deny(ERRORS.unauthorized, reason(found))
      }
      if (hide) hideKey(sources, x)
      x.authenticate(consumer.name, consumer.claims)
      return NEXT
    }
  },
})

function reason(found: number): string {
  if (found === 0) return 'The request has no API key.'
  return found === 1 ? 'The API key is not known.' : 'The request has more than one API key.'
}

function hideKey(sources: readonly KeySource[], x: Parameters<KeySource['remove']>[0]): void {
  for (let i = 0; i < sources.length; i++) sources[i]!.remove(x)
}

/** Throws TypeError, without showing a key. */
function consumersByDigest(
  keys: readonly { key: string; consumer: string; claims?: Claims }[],
): ReadonlyMap<string, Consumer> {
  const consumers = new Map<string, Consumer>()
  for (const [i, { key, consumer, claims = {} }] of keys.entries()) {
    if (!isFieldValue(consumer)) throw new TypeError(`keys[${i}].consumer has characters that HTTP forbids in a header`)
    const digest = digestOf(key, i)
    if (consumers.has(digest)) throw new TypeError(`keys[${i}].key is there twice: a key has one consumer`)
    consumers.set(digest, { name: consumer, claims })
  }
  return consumers
}

function digestOf(key: string, i: number): string {
  if (key.startsWith(DIGEST_PREFIX)) {
    const digest = key.slice(DIGEST_PREFIX.length).toLowerCase()
    if (!/^[0-9a-f]{64}$/.test(digest)) throw new TypeError(`keys[${i}].key: 64 hexadecimal digits follow "sha256:"`)
    return digest
  }
  if (key === '' || key.length > LONGEST_KEY) {
    throw new TypeError(`keys[${i}].key is ${key.length} characters long; from 1 to ${LONGEST_KEY} are expected`)
  }
  return hash('sha256', key, 'hex')
}
