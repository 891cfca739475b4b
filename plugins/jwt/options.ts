// The options of the plugin.
import { ALGORITHMS } from '../../src/contract/auth.ts'
import { Duration, Secret, Type, type Static } from '../../src/contract/plugin.ts'

const CLOSED = { additionalProperties: false }

const Algorithm = Type.Union(ALGORITHMS.map((algorithm) => Type.Literal(algorithm)))

const OneOrMore = (description: string) =>
  Type.Union([Type.String({ minLength: 1 }), Type.Array(Type.String({ minLength: 1 }), { minItems: 1 })], {
    description,
  })

const Keys = Type.Union(
  [
    Type.Object({ secret: Secret({ description: 'Secret of HS algorithms, at least 32 bytes' }) }, CLOSED),
    Type.Object({ publicKey: Type.String({ description: 'Path of a public key or certificate in PEM' }) }, CLOSED),
    Type.Object({ jwks: Type.String({ description: 'Path of a JWK Set' }) }, CLOSED),
    Type.Object(
      {
        url: Type.String({ description: 'Address of a JWK Set' }),
        refresh: Type.Optional(Duration({ description: 'How often it is fetched', default: '10m' })),
        timeout: Type.Optional(Duration({ description: 'How long a fetch may take, at most 8s', default: '5s' })),
      },
      CLOSED,
    ),
  ],
  { description: 'One of secret, publicKey, jwks and url' },
)

const From = Type.Union([
  Type.Object({ header: Type.String({ minLength: 1, description: 'Header with the token' }) }, CLOSED),
  Type.Object({ cookie: Type.String({ minLength: 1, description: 'Cookie with the token' }) }, CLOSED),
  Type.Object({ query: Type.String({ minLength: 1, description: 'Query parameter with the token' }) }, CLOSED),
])

export const JwtOptions = Type.Object(
  {
    keys: Keys,
    algorithms: Type.Array(Algorithm, { minItems: 1, description: 'Algorithms that are accepted' }),
    issuer: Type.Optional(OneOrMore('Accepted values of iss, one or a list')),
    audience: Type.Optional(OneOrMore('Accepted values of aud, one or a list; the token needs one of them')),
    required: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), { description: 'Claims that must be there', default: ['exp'] }),
    ),
    scopes: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), {
        description: 'Scopes that are all needed, from scope or scp',
        default: [],
      }),
    ),
    leeway: Type.Optional(Duration({ description: 'How much clocks may differ', default: '5s' })),
    from: Type.Optional(
      Type.Array(From, {
        minItems: 1,
        description: 'Where the token is; the first place that has one counts',
        default: [{ header: 'authorization' }],
      }),
    ),
    forward: Type.Optional(
      Type.Record(Type.String(), Type.String({ minLength: 1 }), {
        description: 'Claim path to request header; what a client sends in these headers is removed',
        default: {},
      }),
    ),
    consumerClaim: Type.Optional(
      Type.String({ minLength: 1, description: 'Claim that names the consumer', default: 'sub' }),
    ),
    cache: Type.Optional(
      Type.Object(
        {
          size: Type.Optional(
            Type.Integer({ minimum: 1, maximum: 1_000_000, description: 'Verified tokens kept', default: 10_000 }),
          ),
          ttl: Type.Optional(Duration({ description: 'How long at most', default: '60s' })),
          redis: Type.Optional(
            Type.Object(
              {
                url: Type.String({
                  pattern: '^rediss?://',
                  description: 'Gateways share there which signatures they verified',
                }),
                secret: Secret({
                  minLength: 32,
                  description: 'The same in all of them, and known to nobody else',
                }),
              },
              CLOSED,
            ),
          ),
        },
        { ...CLOSED, default: {} },
      ),
    ),
    optional: Type.Optional(
      Type.Boolean({ description: 'Let requests without a token pass; a wrong one is still refused', default: false }),
    ),
    realm: Type.Optional(Type.String({ description: 'Realm in WWW-Authenticate', default: 'sluice' })),
  },
  CLOSED,
)

export type Options = Static<typeof JwtOptions>
