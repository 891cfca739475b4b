// Who may do this: rules about the consumer that an authentication plugin has found out, and about addresses.
import { isFieldValue } from '../../src/base/headers.ts'
import { definePlugin, ERRORS, NEXT, Type } from '../../src/contract/plugin.ts'
import { compileRule, holds, isAuthenticated } from './rule.ts'

const oneOrMore = (description: string, text = Type.String()) =>
  Type.Optional(Type.Union([text, Type.Array(text)], { description }))
const Scalar = Type.Union([Type.String(), Type.Number(), Type.Boolean()])
const ClaimValue = Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Array(Scalar)])

const Rule = Type.Object(
  {
    consumer: oneOrMore('One of these consumers; * is whoever is authenticated'),
    claims: Type.Optional(
      Type.Record(Type.String(), ClaimValue, { description: 'Path of a claim: one of these values' }),
    ),
    scope: oneOrMore('All of these scopes'),
    cidr: oneOrMore('A client address in one of these networks', Type.String({ 'x-format': 'cidr' })),
  },
  { additionalProperties: false },
)

export default definePlugin({
  name: 'acl',
  summary: 'Allows or denies by consumer, claim, scope and network',
  order: 350,
  phase: 'access',
  schema: Type.Object(
    {
      allow: Type.Optional(
        Type.Array(Rule, { description: 'Rules of which one must hold; empty: everybody', default: [] }),
      ),
      deny: Type.Optional(Type.Array(Rule, { description: 'Rules of which none may hold', default: [] })),
      challenge: Type.Optional(
        Type.String({ description: 'WWW-Authenticate of the 401 for who is not authenticated', default: 'Bearer' }),
      ),
    },
    { additionalProperties: false },
  ),
  compile({ allow = [], deny = [], challenge = 'Bearer' }) {
    if (allow.length + deny.length === 0) throw new TypeError('there is no rule: give allow or deny')
    if (challenge === '' || !isFieldValue(challenge))
      throw new TypeError('challenge is not a value of WWW-Authenticate')
    const allowed = allow.map((rule, i) => compileRule(rule, `allow[${i}]`))
    const denied = deny.map((rule, i) => compileRule(rule, `deny[${i}]`))
    const identityHelps = allowed.some(({ aboutIdentity }) => aboutIdentity)

    return (x) => {
      for (let i = 0; i < denied.length; i++) if (holds(denied[i]!, x)) return x.deny(ERRORS.forbidden)
      if (allowed.length === 0) return NEXT
      for (let i = 0; i < allowed.length; i++) if (holds(allowed[i]!, x)) return NEXT
      if (!identityHelps || isAuthenticated(x)) return x.deny(ERRORS.forbidden)
      x.setResponseHeader('www-authenticate', challenge)
      return x.deny(ERRORS.unauthorized)
    }
  },
})
