// Names and passwords (RFC 7617), checked with scrypt beside the main road.
import { challenge } from '../../src/base/challenge.ts'
import { isFieldValue } from '../../src/base/headers.ts'
import {
  definePlugin,
  Duration,
  ERRORS,
  NEXT,
  Secret,
  Type,
  type Claims,
  type PluginExchange,
  type Verdict,
} from '../../src/contract/plugin.ts'
import { readCredentials } from './credentials.ts'
import { readStoredPassword, type StoredPassword } from './password.ts'
import { Verifier } from './verifier.ts'
import { WorkQueue } from './work-queue.ts'

const User = Type.Object(
  {
    name: Type.String({ minLength: 1, description: 'User name, without a colon' }),
    password: Secret({ description: 'scrypt:N:r:p:SALT:HASH; see below' }),
    consumer: Type.Optional(Type.String({ minLength: 1, description: 'Who the user is; absent: the name' })),
    claims: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), { description: 'What acl and others may know of the consumer' }),
    ),
  },
  { additionalProperties: false },
)

interface Consumer {
  readonly name: string
  readonly claims: Claims
}

export default definePlugin({
  name: 'basic-auth',
  summary: 'Lets requests with the name and password of a user pass',
  order: 320,
  phase: 'access',
  schema: Type.Object(
    {
      users: Type.Array(User, { minItems: 1, description: 'Who may pass' }),
      realm: Type.Optional(Type.String({ description: 'What browsers call the protected space', default: 'api' })),
      hide: Type.Optional(Type.Boolean({ description: 'Remove Authorization from what is forwarded', default: true })),
      ttl: Type.Optional(
        Duration({ description: 'How long a password that was right is not checked again', default: '60s' }),
      ),
      concurrency: Type.Optional(
        Type.Integer({ minimum: 1, maximum: 64, description: 'Checks that run at once', default: 4 }),
      ),
      queue: Type.Optional(
        Type.Integer({ minimum: 0, maximum: 10_000, description: 'Checks that may wait; more get 503', default: 64 }),
      ),
    },
    { additionalProperties: false },
  ),
  compile({ users, realm = 'api', hide = true, ttl = 60_000, concurrency = 4, queue = 64 }, host) {
    const { passwords, consumers } = readUsers(users)
    // The threads belong to the process: instances with the same numbers share one queue.
    const work = host.shared(`queue ${concurrency} ${queue}`, () => new WorkQueue(concurrency, queue))
    const verifier = new Verifier(passwords, work, ttl)
    const wanted = `${challenge('Basic', realm)}, charset="UTF-8"`

    const refuse = (x: PluginExchange, detail: string): Verdict => {
      x.setResponseHeader('www-authenticate', wanted)
      return x.deny(ERRORS.unauthorized, detail)
    }
    const accept = (x: PluginExchange, name: string): Verdict => {
      const consumer = consumers.get(name)!
      if (hide) x.removeRequestHeader('authorization')
      x.authenticate(consumer.name, consumer.claims)
      return NEXT
    }

    return (x) => {
      const fields = x.headerValues('authorization')
      if (fields.length === 0) return refuse(x, 'The request has no user name and password.')
      const credentials = fields.length === 1 ? readCredentials(fields[0]!) : null
      if (credentials === null) return refuse(x, 'Authorization is not one field of the Basic scheme (RFC 7617).')
      const verified = verifier.verify(credentials)
      if (verified === null) return x.deny(ERRORS.authUnavailable, 'Too many passwords wait to be checked.')
      if (verified === true) return accept(x, credentials.name)
      return verified.then(
        (valid) => (valid ? accept(x, credentials.name) : refuse(x, 'The user name or the password is wrong.')),
        (error: unknown) => {
          host.log.error({ err: error }, 'a password could not be checked')
          return x.deny(ERRORS.authUnavailable)
        },
      )
    }
  },
})

interface UserOptions {
  readonly name: string
  readonly password: string
  readonly consumer?: string
  readonly claims?: Claims
}

/** Throws TypeError on a user who could never pass. */
function readUsers(users: readonly UserOptions[]) {
  const passwords = new Map<string, StoredPassword>()
  const consumers = new Map<string, Consumer>()
  for (const [i, user] of users.entries()) {
    const name = user.name.normalize('NFC')
    const consumer = user.consumer ?? name
    if (name.includes(':')) throw new TypeError(`users[${i}].name has a colon, which ends the name (RFC 7617)`)
    if (passwords.has(name)) throw new TypeError(`users[${i}].name "${name}" is there twice`)
    if (!isFieldValue(consumer)) {
      throw new TypeError(
        `users[${i}]: no header can carry "${consumer}"; give the user a consumer of latin1 characters`,
      )
    }
    passwords.set(name, readStoredPassword(user.password, `users[${i}].password`))
    consumers.set(name, { name: consumer, claims: user.claims ?? {} })
  }
  return { passwords, consumers }
}
