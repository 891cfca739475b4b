// The part of a configuration that says what is logged, and where to.
import { Type, type Static } from 'typebox'
import { ByteSize, Rate, Share } from './units.ts'

const CLOSED = { additionalProperties: false } as const

function tier(level: string, share: string, above: string) {
  return Type.Optional(
    Type.Object(
      {
        share: Type.Optional(Share({ description: `Part of the ${level} entries that is kept`, default: share })),
        above: Type.Optional(Share({ description: 'The same above the rate', default: above })),
      },
      { ...CLOSED, description: `Which ${level} entries of requests are kept` },
    ),
  )
}

const SamplingSchema = Type.Object(
  {
    rate: Rate({ description: 'Entries of one level, before sampling, above which fewer are kept' }),
    debug: tier('debug', '10%', '1%'),
    info: tier('info', '10%', '1%'),
    warn: tier('warn', '100%', '100%'),
  },
  { ...CLOSED, description: 'Entries of requests that are kept; errors always are. Without it all of them' },
)

export const LogsSchema = Type.Object(
  {
    level: Type.Optional(
      Type.Union(
        [
          Type.Literal('debug'),
          Type.Literal('info'),
          Type.Literal('warn'),
          Type.Literal('error'),
          Type.Literal('silent'),
        ],
        { description: "Least level of the gateway's own log; LOG_LEVEL is stronger", default: 'info' },
      ),
    ),
    destination: Type.Optional(
      Type.String({
        minLength: 1,
        description: "Where the gateway's own log goes: stdout, stderr or a file",
        default: 'stdout',
      }),
    ),
    entries: Type.Optional(
      Type.Integer({
        minimum: 1024,
        maximum: 1_048_576,
        description: 'Entries per destination that may wait to be written',
        default: 65_536,
      }),
    ),
    bytes: Type.Optional(ByteSize({ description: 'Bytes of them, 64KiB at least', default: '16MiB' })),
    sampling: Type.Optional(SamplingSchema),
  },
  { ...CLOSED, description: 'Logs' },
)

export type LogsConfig = Static<typeof LogsSchema>
